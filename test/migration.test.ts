import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { codecCookie, cookieSession, expressSession } from "../src/accepts.ts";
import { flaskCodec, session, SessionManager, type SessionOptions } from "../src/index.ts";
import { memoryStore } from "../src/stores/memory.ts";

const now = () => Date.UTC(2026, 0, 2);

/** cookie-session's two cookies, as Keygrip signs them. */
function oldCookies(data: object, key = "old"): string {
  const value = Buffer.from(JSON.stringify(data)).toString("base64");
  const signature = createHmac("sha1", key).update(`old.session=${value}`).digest("base64url");
  return `old.session=${value}; old.session.sig=${signature}`;
}

async function visit(options: SessionOptions, cookie: string, view: () => unknown, status = 200) {
  const context = new SessionManager({ secretKey: "new", now, ...options }).requestContext({
    headers: new Headers({ Cookie: cookie }),
  });
  await context.opening;
  const seen = await context.run(async () => view());
  const headers = new Headers();
  await context.save({ headers, status });
  return { seen, cookies: headers.getSetCookie() };
}

const accepts = [cookieSession({ keys: ["old"], cookieName: "old.session" })];

describe.each([
  ["in a cookie", () => ({})],
  ["in a store", () => ({ store: memoryStore({ now }) })],
])("sessions({ accepts }) %s", (_, home) => {
  it("opens a session from the old cookie, saves it as ours and expires the old one, once", async () => {
    const options = { accepts, ...home() };
    const first = await visit(options, oldCookies({ username: "ada", cart: [1] }), () => session.toJSON());
    expect(first.seen).toEqual({ username: "ada", cart: [1] });
    expect(first.cookies).toHaveLength(3);
    expect(first.cookies[0]).toMatch(/^session=.+; HttpOnly; Path=\/$/);
    expect(first.cookies.slice(1)).toEqual([
      "old.session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/",
      "old.session.sig=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/",
    ]);
    const ours = first.cookies[0]!.split(";")[0]!;
    const second = await visit(options, ours, () => session.toJSON());
    expect(second).toEqual({ seen: { username: "ada", cart: [1] }, cookies: [] });
  });

  it("prefers a session of ours, and then leaves the old cookie alone", async () => {
    const options = { accepts, ...home() };
    const { cookies } = await visit(options, "", () => (session.username = "bob"));
    const both = `${cookies[0]!.split(";")[0]!}; ${oldCookies({ username: "ada" })}`;
    expect(await visit(options, both, () => session.username)).toEqual({ seen: "bob", cookies: [] });
  });

  it("refuses a forged old cookie quietly", async () => {
    const forged = oldCookies({ username: "root" }, "guessed");
    expect(await visit({ accepts, ...home() }, forged, () => session.size)).toEqual({ seen: 0, cookies: [] });
  });

  it("stops at the end date, and counts until then", async () => {
    const ended = [cookieSession({ keys: ["old"], cookieName: "old.session", until: "2026-01-02" })];
    expect(await visit({ accepts: ended, ...home() }, oldCookies({ a: 1 }), () => session.size)).toEqual({
      seen: 0,
      cookies: [],
    });
    const counting = [cookieSession({ keys: ["old"], cookieName: "old.session", until: "2026-01-03" })];
    await visit({ accepts: counting, ...home() }, oldCookies({ a: 1 }), () => session.size);
    expect(counting[0]!.opened).toBe(1);
  });

  it("keeps every text of a Flask cookie under an older configuration", async () => {
    const old = flaskCodec({ secretKey: "older", salt: "other-salt" });
    const texts = new Map([["price", "1.0"]]);
    const text = old.encode(texts, { now: now(), maxAge: 100, cookieName: "flask" });
    const options = { accepts: [codecCookie({ codec: old, cookieName: "flask", maxAge: 100 })], ...home() };
    const { seen, cookies } = await visit(options, `flask=${text}`, () => session.price);
    expect(seen).toBe(1);
    expect(cookies).toHaveLength(2);
  });
});

describe("sessions({ accepts }) with the old library's store", () => {
  const records = new Map<string, unknown>([["abc", { cookie: { originalMaxAge: null }, username: "ada" }]]);
  const store = { get: async (id: string) => records.get(id), destroy: (id: string) => records.delete(id) };
  const signed = `s:abc.${createHmac("sha256", "keyboard cat").update("abc").digest("base64").replace(/=+$/, "")}`;
  const cookie = `connect.sid=${encodeURIComponent(signed)}`;

  it("keeps the old cookie and record while the new session is not saved, and removes both once it is", async () => {
    const options = {
      accepts: [expressSession({ secret: "keyboard cat", store })],
      store: memoryStore({ now }),
    };
    const failed = await visit(options, cookie, () => session.username, 500);
    expect(failed).toEqual({ seen: "ada", cookies: [] });
    expect(records.has("abc")).toBe(true);
    const saved = await visit(options, cookie, () => session.username);
    expect(saved.seen).toBe("ada");
    expect(saved.cookies).toHaveLength(2);
    expect(records.has("abc")).toBe(false);
  });
});
