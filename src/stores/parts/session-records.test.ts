import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StoreError } from "../../errors.ts";
import { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import { testClock } from "../../testing/clock.ts";
import { memoryStore } from "../memory.ts";
import { changeStep } from "./record.ts";
import { SessionRecords, type SessionRecordsOptions } from "./session-records.ts";
import type { Store } from "./store.ts";
import { newToken, type Token } from "./token.ts";

const DAY = 24 * 60 * 60;
const expiry = { idle: DAY };
const FIELDS = new Map([["cart", '["tea"]']]);

function recordsIn(store: Store, options: Partial<SessionRecordsOptions> = {}): SessionRecords {
  return new SessionRecords(store, { json: new TaggedJSONSerializer(), longest: DAY, ...options });
}

async function login(records: SessionRecords, owner: string, took = 0, token = newToken()): Promise<Token> {
  const created = await records.create(token, FIELDS, { expiry, login: { owner, elapsed: () => took } });
  expect(created.status).toBe("ok");
  return token;
}

/** The same store, where `step` may be done in another way. */
function withSteps(inner: Store, steps: Partial<Store>): Store {
  return new Proxy(inner, {
    get(target, name) {
      const own = Reflect.get(steps, name) as unknown;
      if (own !== undefined) return own;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

describe("the sessions of an owner", () => {
  it("are listed latest login first, page by page, without data", async () => {
    const clock = testClock();
    const store = memoryStore({ now: clock.now });
    const asked: number[] = [];
    const records = recordsIn(
      withSteps(store, {
        read: async (key) => (key.startsWith("owner:") ? store.read(key) : Promise.reject(new Error("data"))),
        readMany: (keys, length) => (asked.push(keys.length, length), store.readMany!(keys, length)),
      }),
    );
    const selectors: string[] = [];
    for (let n = 0; n < 25; n++) {
      clock.advance(1);
      selectors.unshift((await login(records, "ada")).selector);
    }
    await login(records, "bob");
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const page = await records.list("ada", { limit: 10, after });
      pages.push(page.map(({ selector }) => selector));
      after = page.at(-1)?.selector;
    } while (after !== undefined);
    expect(pages.map((page) => page.length)).toEqual([10, 10, 5, 0]);
    expect(pages.flat()).toEqual(selectors);
    expect(Math.max(...asked)).toBeLessThan(10_000);
    expect(JSON.stringify(await records.list("ada"))).not.toContain("tea");
    expect(await records.list("nobody")).toEqual([]);
  });

  it("are all ended, however many there are", async () => {
    const store = memoryStore();
    const records = recordsIn(store, { ownerLimit: { max: Infinity, overflow: "refuse" } });
    const other = await login(records, "bob");
    // Filing one after the other would take minutes: this is what their record is by then.
    const token = await login(records, "ada");
    const key = [...(await keysOf(store, "ada"))][0]!;
    const names = Array.from({ length: 70_000 }, (_, n) => `s${String(n).padStart(15, "0")}`);
    const filed = (await store.read(key))!;
    const parts = JSON.parse(filed.text) as unknown[];
    parts[4] = [...(parts[4] as unknown[]), ...names.flatMap((name) => [name, 1])];
    const commit = "AAAAAAAAAAAAAAAA";
    await store.replace(key, filed.commit, { text: JSON.stringify(parts), commit, lifetime: DAY });
    for (const name of names) await store.insert(name, { text: "x", commit, lifetime: DAY });
    expect((await records.destroyAll("ada", undefined)).ended).toBe(70_001);
    expect(await records.live([token.selector, ...names.slice(0, 10), other.selector])).toEqual([
      other.selector,
    ]);
    expect(await records.list("ada")).toEqual([]);
    await login(records, "ada");
  }, 60_000);

  it("are dead by the revocation time alone, at their next touch, where removing them was not finished", async () => {
    const clock = testClock();
    const store = memoryStore({ now: clock.now });
    const token = await login(recordsIn(store), "ada");
    const stuck = recordsIn(
      withSteps(store, { remove: () => Promise.reject(new StoreError("unavailable", "no")) }),
    );
    clock.advance(1);
    await expect(stuck.destroyAll("ada", undefined)).rejects.toBeInstanceOf(StoreError);
    const records = recordsIn(store);
    const found = await records.loop.read(token.selector);
    if (typeof found === "string") throw new Error(found);
    expect(await records.isConfirmed(found.entry)).toBe(false);
    expect(await records.list("ada")).toEqual([]);
    // Asked again, it goes on where it stopped.
    expect((await records.destroyAll("ada", undefined)).ended).toBe(1);
    expect(await records.loop.read(token.selector)).toBe("gone");
  });

  it("leave the excepted one alive, also at its next touch", async () => {
    const records = recordsIn(memoryStore());
    const [phone, laptop] = [await login(records, "ada"), await login(records, "ada")];
    expect((await records.destroyAll("ada", phone.selector)).ended).toBe(1);
    const found = await records.loop.read(phone.selector);
    if (typeof found === "string") throw new Error(found);
    expect(await records.isConfirmed(found.entry)).toBe(true);
    expect(await records.loop.read(laptop.selector)).toBe("gone");
  });

  it("are found again after their owner's record was lost", async () => {
    const store = memoryStore();
    const records = recordsIn(store);
    const { selector } = await login(records, "ada");
    for (const key of await keysOf(store, "ada")) await store.remove(key);
    expect(await records.list("ada")).toEqual([]);
    const found = await records.loop.read(selector);
    if (typeof found === "string") throw new Error(found);
    expect(await records.isConfirmed(found.entry)).toBe(true);
    expect(await records.list("ada")).toHaveLength(1);
    expect((await records.destroyAll("ada", undefined)).ended).toBe(1);
  });

  it("keep their owner's record alive as long as they are", async () => {
    const clock = testClock();
    const records = recordsIn(memoryStore({ now: clock.now }));
    const { selector } = await login(records, "ada");
    for (let day = 0; day < 30; day++) {
      clock.advance(DAY * 0.9);
      const found = await records.loop.read(selector);
      if (typeof found === "string") throw new Error(found);
      expect(await records.isConfirmed(found.entry)).toBe(true);
      await records.loop.change(selector, found, (known) => changeStep(true, known, { expiry }));
    }
    expect(await records.list("ada")).toHaveLength(1);
  });
});

describe("a login", () => {
  it("loses against a destroyAll that came while it was under way", async () => {
    const clock = testClock();
    const records = recordsIn(memoryStore({ now: clock.now }));
    await records.destroyAll("ada", undefined);
    clock.advance(1);
    const began = { owner: "ada", elapsed: () => 2 };
    expect(await records.create(newToken(), FIELDS, { expiry, login: began })).toEqual({ status: "revoked" });
    await login(records, "ada", 0.5);
  });

  it("wins after the destroyAll that its own request has waited for, and loses to a later one", async () => {
    const clock = testClock();
    const records = recordsIn(memoryStore({ now: clock.now }));
    const { revokedAt } = await records.destroyAll("ada", undefined);
    const own = { owner: "ada", elapsed: () => 60, after: revokedAt };
    const created = await records.create(newToken(), FIELDS, { expiry, login: own });
    const isAlive = created.status === "ok" && (await records.isConfirmed(created.known.entry));
    expect(isAlive).toBe(true);
    clock.advance(1);
    await records.destroyAll("ada", undefined);
    expect(await records.create(newToken(), FIELDS, { expiry, login: own })).toEqual({ status: "revoked" });
  });

  it.each(["insert", "confirm"])(
    "that meets a destroyAll before its %s leaves no session behind",
    async (when) => {
      const clock = testClock();
      const store = memoryStore({ now: clock.now });
      let isRacing = true;
      const race = async (): Promise<void> => {
        if (!isRacing) return;
        isRacing = false;
        clock.advance(1);
        await recordsIn(store).destroyAll("ada", undefined);
      };
      const records = recordsIn(
        withSteps(store, {
          async insert(key, write) {
            if (key.startsWith("owner:")) return store.insert(key, write);
            if (when === "insert") await race();
            const answer = await store.insert(key, write);
            if (when === "confirm") await race();
            return answer;
          },
        }),
      );
      const token = newToken();
      const created = await records.create(token, FIELDS, {
        expiry,
        login: { owner: "ada", elapsed: () => 0.5 },
      });
      expect(created).toEqual({ status: "revoked" });
      expect(await records.loop.read(token.selector)).toBe("gone");
      expect(await records.list("ada")).toEqual([]);
    },
  );

  it("is one of at most so many, however many run at once", async () => {
    const records = recordsIn(memoryStore(), { ownerLimit: { max: 3, overflow: "end-oldest" } });
    const tokens = await Promise.all(Array.from({ length: 20 }, () => login(records, "ada")));
    expect(await records.list("ada")).toHaveLength(3);
    expect(await records.live(tokens.map(({ selector }) => selector))).toHaveLength(3);
  });

  it("is refused when there are too many live ones, and not for the sake of dead ones", async () => {
    const clock = testClock();
    const store = memoryStore({ now: clock.now });
    const records = recordsIn(store, { ownerLimit: { max: 2, overflow: "refuse" } });
    const tokens = [await login(records, "ada"), await login(records, "ada")];
    const one = { expiry, login: { owner: "ada", elapsed: () => 0 } };
    expect(await records.create(newToken(), FIELDS, one)).toEqual({ status: "limit" });
    await records.remove(tokens[0]!.selector);
    await login(records, "ada");
    clock.advance(120);
    // Gone without a word, as what expires.
    await store.remove(tokens[1]!.selector);
    await login(records, "ada");
    expect(await records.create(newToken(), FIELDS, one)).toEqual({ status: "limit" });
  });

  it("refuses an owner that no store could keep", async () => {
    const records = recordsIn(memoryStore());
    for (const owner of ["", "a\0", "\ud800", "x".repeat(256)]) {
      const change = { expiry, login: { owner, elapsed: () => 0 } };
      await expect(records.create(newToken(), FIELDS, change)).rejects.toMatchObject({ reason: "invalid" });
    }
  });
});

/** The key of an owner's record: only its hash is stored. */
async function keysOf(store: Store, owner: string): Promise<string[]> {
  const { hash } = await import("node:crypto");
  const key = `owner:${hash("sha256", owner, "base64url")}`;
  return (await store.read(key)) === undefined ? [] : [key];
}

/** A time of which only tests make more: this process's monotonic one, and waits. */
let time = 0;

/** The same store, with a clock of its own, that is asked over a network which takes these milliseconds. */
function remote(inner: Store, trip: { there: number; back: number }): Store {
  return new Proxy(inner, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        time += trip.there;
        const answer = (await Reflect.apply(value, target, args)) as unknown;
        time += trip.back;
        return answer;
      };
    },
  });
}

describe("a login in one process and the end of all sessions of its owner in another", () => {
  /** Between the store's clock and this process's. */
  const AHEAD = 1e9;

  beforeEach(() => {
    time = 1000;
    vi.spyOn(performance, "now").mockImplementation(() => time);
    vi.spyOn(timers, "setTimeout").mockImplementation(async (milliseconds = 0) => {
      time += milliseconds;
      return undefined as never;
    });
    syncBuiltinESMExports();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });

  const inner = () => memoryStore({ now: () => Math.floor(time + AHEAD) });

  it("are in the order in which they came, although each process rounds the store's time in its own way", async () => {
    const store = remote(inner(), { there: 0, back: 0 });
    const [here, there] = [recordsIn(store), recordsIn(store)];
    time = 1000.95;
    await login(there, "somebody else");
    time = 1001;
    await login(here, "somebody else");
    const arrivedAt = 1005.3;
    time = 1005.4;
    await there.destroyAll("ada", undefined);
    time = Math.max(time, 1010);
    expect(await loggedIn(here, arrivedAt)).toBe("revoked");
  });

  const trips = { fast: [0.1, 0.1], "slow there": [300, 0.1], "slow back": [0.1, 300] } as const;
  const names = Object.keys(trips) as (keyof typeof trips)[];
  const cases = names.flatMap((login) => names.flatMap((end) => [[login, end] as const]));

  it.each(cases)("are in that order where their first reads were %s and %s", async (login_, end) => {
    for (const gap of [0.6, 2, 40, 1000]) {
      const store = inner();
      const trip = { there: 0, back: 0 };
      const process = async (speed: keyof typeof trips) => {
        [trip.there, trip.back] = trips[speed];
        const records = recordsIn(remote(store, trip));
        await login(records, "somebody else");
        [trip.there, trip.back] = trips.fast;
        return records;
      };
      const [here, there] = [await process(login_), await process(end)];
      const before = time;
      time += gap;
      await there.destroyAll("ada", undefined);
      const after = (time += 0.1);
      time += 1;
      expect(await loggedIn(here, before), `${gap} ms before`).toBe("revoked");
      expect(await loggedIn(here, after), `0.1 ms after, ${gap}`).toBe("ok");
    }
  });

  it("are in that order where every step of both is slow", async () => {
    const store = inner();
    for (const [there_, back] of [trips["slow there"], trips["slow back"]]) {
      const [here, there] = [
        recordsIn(remote(store, { there: there_, back })),
        recordsIn(remote(store, { there: back, back: there_ })),
      ];
      for (const records of [here, there]) await login(records, "somebody else");
      const before = time;
      time += 0.6;
      await there.destroyAll("ada", undefined);
      const after = (time += 0.1);
      expect(await loggedIn(here, before)).toBe("revoked");
      expect(await loggedIn(here, after)).toBe("ok");
    }
  });

  async function loggedIn(records: SessionRecords, arrivedAt: number): Promise<string> {
    const login = { owner: "ada", elapsed: () => (time - arrivedAt) / 1000 };
    return (await records.create(newToken(), FIELDS, { expiry, login })).status;
  }
});
