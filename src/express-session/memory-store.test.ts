import { describe, expect, it, vi } from "vitest";
import { Cookie } from "./cookie.ts";
import { MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
import type { SessionData } from "./session.ts";

const record = (maxAge: number | null, at: number, text = "") =>
  ({ cookie: new Cookie({ expires: maxAge === null ? null : new Date(at + maxAge) }), text }) as SessionData;

function withClock(options: MemoryStoreOptions = {}) {
  const clock = { now: 1_000_000 };
  const store = new MemoryStore({ ...options, now: () => clock.now });
  const set = (id: string, session: SessionData) =>
    new Promise<unknown>((resolve) => store.set(id, session, resolve));
  const get = (id: string) => new Promise((resolve) => store.get(id, (_, session) => resolve(session)));
  const length = () => new Promise((resolve) => store.length((_, number) => resolve(number)));
  return { clock, store, set, get, length };
}

describe("MemoryStore", () => {
  it("gives what was set, as another object, and never in the same moment", async () => {
    const { store, set, get } = withClock();
    const given = record(null, 0, "tea");
    expect(await set("a", given)).toBeUndefined();
    expect(await get("a")).toMatchObject({ text: "tea" });
    expect(await get("a")).not.toBe(given);
    let isSync = true;
    const answered = new Promise<boolean>((resolve) => store.get("a", () => resolve(isSync)));
    isSync = false;
    expect(await answered).toBe(false);
  });

  it("forgets what expired, asked for or not", async () => {
    const { clock, set, get, length } = withClock();
    await set("a", record(1000, clock.now));
    await set("b", record(5000, clock.now));
    clock.now += 1000;
    expect(await get("a")).toBeUndefined();
    expect(await length()).toBe(1);
    clock.now += 4000;
    expect(await length()).toBe(0);
  });

  it("follows fake timers that a test installs after it was made", async () => {
    const store = new MemoryStore();
    vi.useFakeTimers({ now: Date.now() + 2000, toFake: ["Date"] });
    try {
      await new Promise((done) => store.set("a", record(1000, Date.now()), done));
      vi.setSystemTime(Date.now() + 1000);
      const got = await new Promise((resolve) => store.get("a", (_, session) => resolve(session)));
      expect(got).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  it("forgets sessions without an end after a day of silence", async () => {
    const { clock, store, set, get } = withClock();
    await set("a", record(null, 0));
    clock.now += 86_399_999;
    await new Promise((done) => store.touch("a", record(null, 0), () => done(undefined)));
    clock.now += 86_399_999;
    expect(await get("a")).toBeDefined();
    clock.now += 2;
    expect(await get("a")).toBeUndefined();
  });

  it("does not grow with sessions that are not asked for again", async () => {
    const { clock, set, length } = withClock({ maxSessions: 50 });
    for (let visit = 0; visit < 500; visit++) {
      clock.now += 1000;
      expect(await set(`s${visit}`, record(10_000, clock.now))).toBeUndefined();
    }
    expect(await length()).toBe(10);
  });

  it("is bounded in number and in length, and refuses what is beyond", async () => {
    const { clock, set, get, length } = withClock({ maxSessions: 2, maxLength: 1000 });
    await set("a", record(null, 0));
    await set("b", record(null, 0));
    expect(await set("c", record(null, 0))).toMatchObject({ code: "STORE", reason: "full" });
    expect(await set("b", record(null, 0, "x".repeat(1000)))).toMatchObject({ reason: "full" });
    expect(await set("b", record(1, clock.now, "x".repeat(100)))).toBeUndefined();
    clock.now += 2000;
    expect(await set("c", record(null, 0))).toBeUndefined();
    expect([await get("b"), await length()]).toEqual([undefined, 2]);
  });

  it("revives nothing by a touch", async () => {
    const { store, set, length } = withClock();
    await set("a", record(null, 0));
    await new Promise((done) => store.destroy("a", done));
    await new Promise((done) => store.touch("a", record(null, 0), () => done(undefined)));
    expect(await length()).toBe(0);
    await set("a", record(null, 0));
    await new Promise((done) => store.clear(() => done(undefined)));
    expect(await length()).toBe(0);
  });

  it("tells of what cannot be written, by its callback", async () => {
    const { set } = withClock();
    expect(await set("a", { cookie: new Cookie(), big: 1n } as never)).toBeInstanceOf(TypeError);
  });
});
