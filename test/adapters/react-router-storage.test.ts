import { createSession as createRouterSession, isSession, type SessionStorage } from "react-router";
import { describe, expect, it } from "vitest";
import { sessionStorage } from "../../src/adapters/react-router.ts";
import {
  ConfigError,
  getSession as getFlaskSession,
  inspectCookie,
  SessionClosedError,
} from "../../src/index.ts";
import { SessionManager } from "../../src/manager/manager.ts";
import { memoryStore } from "../../src/stores/memory.ts";

const secretKey = "react-router storage";
const pairOf = (line: string) => line.split(";")[0]!;

/** What Flask would find in the cookie. */
const seenByFlask = (line: string) => inspectCookie(pairOf(line).slice("session=".length)).json;

/** What an app does between one request and the next. */
async function visit(
  { getSession, commitSession }: SessionStorage,
  cookie: string | null,
  handle: (session: Awaited<ReturnType<SessionStorage["getSession"]>>) => void,
): Promise<string> {
  const session = await getSession(cookie);
  handle(session);
  return commitSession(session);
}

describe("sessionStorage of hipflask/react-router", () => {
  const storage = sessionStorage({ secretKey });

  it("gives a session of React Router's kind, in Flask's cookie", async () => {
    const line = await visit(storage, null, (session) => {
      expect(isSession(session)).toBe(true);
      expect([session.id, session.has("username"), session.get("username")]).toEqual(["", false, undefined]);
      session.set("username", "ada");
      session.set("cart", ["tea"]);
      session.unset("cart");
      expect(session.data).toEqual({ username: "ada" });
    });
    expect(line).toMatch(/^session=eyJ1c2VybmFtZSI6ImFkYSJ9\.[\w-]+\.[\w-]+; HttpOnly; Path=\/$/);
    const again = await storage.getSession(`theme=dark; ${pairOf(line)}`);
    expect(again.get("username")).toBe("ada");
    expect((await storage.getSession(null)).has("username")).toBe(false);
    expect((await storage.getSession("session=forged")).data).toEqual({});
  });

  it("flashes until the next look, in Flask's own list", async () => {
    const flashed = await visit(storage, null, (session) => {
      session.flash("error", "wrong password");
      session.flash("notice", { count: 2 });
    });
    expect(seenByFlask(flashed)).toBe(
      '{"_flashes":[{" t":["error","wrong password"]},{" t":["notice",{"count":2}]}]}',
    );
    const shown = await visit(storage, pairOf(flashed), (session) => {
      expect(session.data).toEqual({ __flash_error__: "wrong password", __flash_notice__: { count: 2 } });
      expect([
        session.has("error"),
        session.get("error"),
        session.get("error"),
        session.has("error"),
      ]).toEqual([true, "wrong password", undefined, false]);
    });
    expect(seenByFlask(shown)).toBe('{"_flashes":[{" t":["notice",{"count":2}]}]}');
    const all = await visit(storage, pairOf(shown), (session) => void session.get("notice"));
    expect(all).toMatch(/^session=; Expires=Thu, 01 Jan 1970/);
  });

  it("shows what Flask flashed", async () => {
    const { getSession } = storage;
    const session = await getSession(null);
    getFlaskSession(session).flash("hello from Flask", "info");
    expect(session.get("info")).toBe("hello from Flask");
  });

  it("destroys", async () => {
    const line = await visit(storage, null, (session) => session.set("username", "ada"));
    const gone = await storage.destroySession(await storage.getSession(pairOf(line)));
    expect(gone).toBe("session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/");
  });

  it("commits a session that was only read, sends nothing without data, and commits once", async () => {
    const line = await visit(storage, null, (session) => session.set("username", "ada"));
    const looked = await storage.getSession(pairOf(line));
    expect(await storage.commitSession(looked)).toMatch(/^session=eyJ1c2VybmFtZSI6ImFkYSJ9/);
    const stranger = await storage.getSession(null);
    expect(await storage.commitSession(stranger)).toBe("");
    expect(await storage.commitSession(stranger)).toBe("");
    expect(() => stranger.set("late", true)).toThrow(SessionClosedError);
  });

  it("takes React Router's cookie options over its own", async () => {
    const session = await storage.getSession(null);
    session.set("username", "ada");
    const options = {
      maxAge: 60,
      secure: true,
      sameSite: "lax",
      path: "/app",
      domain: "example.com",
      httpOnly: false,
    } as const;
    const line = await storage.commitSession(session, options);
    expect(line.replace(/^session=[^;]+/, "…")).toBe(
      "…; Domain=example.com; Max-Age=60; Secure; Path=/app; SameSite=Lax",
    );
    expect(await storage.commitSession(session, { sameSite: true })).toMatch(
      /; HttpOnly; Path=\/; SameSite=Strict$/,
    );
    expect(await storage.commitSession(session, { expires: new Date(0), sameSite: false })).toMatch(
      /; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Path=\/$/,
    );
  });

  it("refuses to commit a session that is none of its own", async () => {
    await expect(storage.commitSession(createRouterSession())).rejects.toThrow(ConfigError);
    await expect(storage.destroySession(createRouterSession())).rejects.toThrow(ConfigError);
  });

  it("keeps data in a store, under an id, and moves to a new one at login", async () => {
    const manager = new SessionManager({ secretKey, store: memoryStore() });
    const stored = sessionStorage<{ username: string }>(manager);
    const first = await stored.getSession(null);
    first.set("username", "ada");
    const before = await stored.commitSession(first);
    const login = await stored.getSession(pairOf(before));
    expect(login.id).not.toBe("");
    getFlaskSession(login).owner = "7";
    const after = await stored.commitSession(login);
    expect((await stored.getSession(pairOf(before))).get("username")).toBeUndefined();
    const session = await stored.getSession(pairOf(after));
    expect([session.id, session.get("username")]).toEqual([login.id, "ada"]);
    expect(await manager.list("7")).toHaveLength(1);
    await stored.destroySession(session);
    expect(await manager.list("7")).toEqual([]);
    await manager.close();
  });
});
