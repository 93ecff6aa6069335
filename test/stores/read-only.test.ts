import { describe, expect, it } from "vitest";
import {
  SessionReadOnlyError,
  type Session,
  session,
  SessionManager,
  stateOf,
  StoreError,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { faultyStore } from "../../src/testing.ts";
import { watched } from "./recorded.ts";
import { Visitor } from "./visitor.ts";

const MINUTE = 60_000;

/** Where no cookie can be set, as while a page of Next is rendered, a session is opened to be looked at. */
describe("a stored session that is opened read-only", () => {
  let time = Date.UTC(2026, 0, 1);
  const now = () => time;
  let calls: string[] = [];
  const store = faultyStore(watched(memoryStore({ now }), (verb) => void calls.push(verb)));
  const manager = new SessionManager({
    secretKey: "read-only",
    store,
    now,
    storeOptions: { idleTimeout: 30 * 60, rotateAfter: 60, sweepEvery: 0 },
  });

  async function look<Seen>(cookie: string, view: (session: Session) => Seen): Promise<Seen> {
    const context = manager.requestContext({ headers: new Headers({ Cookie: cookie }), readOnly: true });
    await context.opening;
    return view(context.session);
  }

  it("shows flashed messages without removing them", async () => {
    const ada = new Visitor(manager);
    await ada.visit(() => session.flash("saved"));
    for (let round = 0; round < 2; round++) {
      expect(await look(ada.cookie, (seen) => seen.get("_flashes"))).toEqual([["message", "saved"]]);
    }
    expect((await ada.visit(() => session.getFlashedMessages())).seen).toEqual(["saved"]);
    expect(await look(ada.cookie, (seen) => seen.get("_flashes"))).toBeUndefined();
  });

  it("counts as activity, and does not rotate to a token that could not be sent", async () => {
    const ada = new Visitor(manager);
    await ada.visit(() => (session.username = "ada"));
    for (let round = 0; round < 6; round++) {
      time += 20 * MINUTE;
      expect(await look(ada.cookie, ({ username }) => username as unknown)).toBe("ada");
    }
    // Long after the last save, the cookie is still the good one, and rotates as soon as it can be sent.
    const before = ada.cookie;
    const { cookies } = await ada.visit(() => session.username as unknown);
    expect(cookies).toHaveLength(1);
    expect(ada.cookie).not.toBe(before);
    time += 31 * MINUTE;
    expect(await look(ada.cookie, ({ username }) => username as unknown)).toBeUndefined();
  });

  it("is none where all sessions of its owner were ended, also if its record could not be removed", async () => {
    const ada = new Visitor(manager);
    await ada.visit(() => (session.owner = "ada"));
    time += MINUTE;
    store.fail("remove");
    await expect(manager.destroyAll("ada")).rejects.toThrow(StoreError);
    store.recover();
    time += 5 * MINUTE;
    expect(await look(ada.cookie, ({ owner }) => owner)).toBeNull();
  });

  it("is noted as active once by requests that run at the same time, and is open to all of them", async () => {
    const ada = new Visitor(manager);
    await ada.visit(() => (session.username = "ada"));
    calls = [];
    await look(ada.cookie, () => {});
    expect(calls).toEqual(["read"]);
    time += 5 * MINUTE;
    calls = [];
    const seen = await Promise.all(
      Array.from({ length: 4 }, () => look(ada.cookie, ({ username }) => username as unknown)),
    );
    expect(seen).toEqual(["ada", "ada", "ada", "ada"]);
    calls = [];
    await look(ada.cookie, () => {});
    expect(calls).toEqual(["read"]);
  });

  it("refuses every change with the error it was closed with", async () => {
    const ada = new Visitor(manager);
    await ada.visit(() => (session.username = "ada"));
    await look(ada.cookie, (seen) => {
      stateOf(seen).close(() => new SessionReadOnlyError());
      const changes = [
        () => (seen.username = "eve"),
        () => (seen.owner = "eve"),
        () => (seen.modified = true),
        () => seen.destroy(),
        () => seen.regenerate(),
        () => seen.getFlashedMessages() && seen.flash("x"),
      ];
      for (const change of changes) expect(change).toThrow(SessionReadOnlyError);
      expect([seen.username, seen.owner]).toEqual(["ada", null]);
    });
    expect(await ada.data()).toEqual({ username: "ada" });
  });
});
