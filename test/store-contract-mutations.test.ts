import { describe, expect, it } from "vitest";
import type { Store, Stored, Write } from "../src/stores/parts/store.ts";
import { storeContract, type StoreTools, type StoreUnderTest } from "../src/testing/store-contract.ts";
import { bound, MapStore } from "./support/map-store.ts";
import { turns } from "./support/turns.ts";

type Break = (store: MapStore, tools: StoreTools) => Partial<Store>;

const turn = () => new Promise(setImmediate);
const ALL = 1e9;

/** Stores that are broken in one way each, and the tests that must fail, and no others. */
const BROKEN: ReadonlyArray<readonly [what: string, fails: readonly string[], damage: Break]> = [
  [
    "trims texts",
    ["stores texts unchanged, with their commit ids"],
    (store) => ({ insert: (key, write) => store.insert(key, { ...write, text: write.text.trimEnd() }) }),
  ],
  [
    "keeps texts in UTF-16 without what is outside of its first plane",
    ["stores texts unchanged, with their commit ids"],
    (store) => ({
      replace: (key, expected, write) =>
        store.replace(key, expected, {
          ...write,
          text: write.text.replaceAll(/\p{Emoji_Presentation}/gu, "??"),
        }),
    }),
  ],
  [
    "gives each write a commit id of its own",
    ["SEC-36: the commit id shows that a step resent after a lost reply was applied before"],
    // Goes by the writer's ids until a step is sent for the second time: then it has become another writer's.
    (store) => {
      const sent = new Set<string>();
      const again = (key: string, { commit }: Write) => {
        const entry = store.entries.get(key);
        if (sent.has(commit) && entry?.commit === commit)
          store.entries.set(key, { ...entry, commit: "x".repeat(16) });
        sent.add(commit);
      };
      return {
        async insert(key, write) {
          again(key, write);
          return store.insert(key, write);
        },
        async replace(key, expected, write) {
          again(key, write);
          return store.replace(key, expected, write);
        },
      };
    },
  ],
  [
    "compares commit ids without their case",
    ["distinguishes keys and commit ids by case, and supports all of their characters"],
    (store) => ({
      async replace(key, expected, write) {
        const commit = store.entries.get(key)?.commit;
        const isSame = commit?.toLowerCase() === expected.toLowerCase();
        return store.replace(key, isSame ? commit! : expected, write);
      },
    }),
  ],
  [
    "compares keys without their case",
    ["distinguishes keys and commit ids by case, and supports all of their characters"],
    (store) => ({
      read: (key) => store.read(key.toLowerCase()),
      insert: (key, write) => store.insert(key.toLowerCase(), write),
      replace: (key, expected, write) => store.replace(key.toLowerCase(), expected, write),
      remove: (key, expected) => store.remove(key.toLowerCase(), expected),
      async readMany(keys, length) {
        const found = await store.readMany(
          keys.map((key) => key.toLowerCase()),
          length,
        );
        return new Map(
          keys.flatMap((key) => {
            const stored = found.get(key.toLowerCase());
            return stored ? [[key, stored]] : [];
          }),
        );
      },
    }),
  ],
  [
    "overwrites with insert",
    [
      "SEC-6: insert does not overwrite",
      "SEC-6: one of eight parallel inserts succeeds",
      "SEC-36: the commit id shows that a step resent after a lost reply was applied before",
      "SEC-37: a record that cannot be decoded causes no error, and is kept until it is removed",
    ],
    (store) => ({
      async insert(key, write) {
        const { entries } = store;
        entries.delete(key);
        return store.insert(key, write);
      },
    }),
  ],
  [
    "looks before it inserts",
    [
      "SEC-6: one of eight parallel inserts succeeds",
      "SEC-12: each step is one command, and after a conflict a second one may read the record",
    ],
    (store) => ({
      async insert(key, write) {
        if ((await store.read(key)) !== undefined || store.corrupted.has(key)) return false;
        await turn();
        store.entries.delete(key);
        return store.insert(key, write);
      },
    }),
  ],
  [
    "inserts what it was to replace",
    [
      "SEC-8: replace and remove report a missing record as gone, and do not create it",
      "SEC-11: every step reports a removed record as gone",
      "SEC-11: a slow write does not restore a removed record",
      "SEC-12: no step restores a record that is removed before one of its commands",
      "SEC-27: every step reports an expired record as gone, without a cleanup",
    ],
    (store) => ({
      async replace(key, expected, write) {
        const answer = await store.replace(key, expected, write);
        if (answer.status !== "gone" || store.corrupted.has(key)) return answer;
        const { entries } = store;
        entries.set(key, { ...write, expiresAt: Infinity });
        return { status: "ok" };
      },
    }),
  ],
  [
    "says ok to what it could not replace",
    [
      "SEC-8: replace and remove report a missing record as gone, and do not create it",
      "SEC-11: every step reports a removed record as gone",
      "SEC-27: every step reports an expired record as gone, without a cleanup",
      "SEC-37: a record that cannot be decoded causes no error, and is kept until it is removed",
    ],
    (store) => ({
      async replace(key, expected, write) {
        const answer = await store.replace(key, expected, write);
        return answer.status === "gone" ? { status: "ok" } : answer;
      },
    }),
  ],
  [
    "replaces blindly",
    [
      "distinguishes keys and commit ids by case, and supports all of their characters",
      "SEC-9: replace only succeeds with the current commit id",
      "SEC-9: one of eight parallel replaces succeeds, and the others get its result",
      "SEC-13: 64 parallel increments with retries count to 64",
      "SEC-28: replace sets a new lifetime, longer or shorter; read does not extend it",
      "SEC-36: the commit id shows that a step resent after a lost reply was applied before",
    ],
    (store) => ({
      async replace(key, expected, write) {
        const answer = await store.replace(key, expected, write);
        if (answer.status !== "conflict") return answer;
        store.put(key, write);
        return { status: "ok" };
      },
    }),
  ],
  [
    "compares, and then writes",
    [
      "SEC-9: one of eight parallel replaces succeeds, and the others get its result",
      "SEC-12: each step is one command, and after a conflict a second one may read the record",
      "SEC-13: 64 parallel increments with retries count to 64",
    ],
    (store) => ({
      async replace(key, expected, write) {
        const current = await store.read(key);
        if (current?.commit !== expected) return store.replace(key, expected, write);
        await turn();
        return store.replace(key, (await store.read(key))?.commit ?? expected, write);
      },
    }),
  ],
  [
    "brings what the writer wanted with a conflict, and not what is there",
    [
      "SEC-9: replace only succeeds with the current commit id",
      "SEC-9: one of eight parallel replaces succeeds, and the others get its result",
      "SEC-13: 64 parallel increments with retries count to 64",
    ],
    (store) => ({
      async replace(key, expected, write) {
        const answer = await store.replace(key, expected, write);
        return answer.status === "conflict" ? { status: "conflict", current: write } : answer;
      },
    }),
  ],
  [
    "keeps what it was to remove",
    [
      "SEC-11: every step reports a removed record as gone",
      "SEC-11: remove with an expected commit id only succeeds if it is current",
      "SEC-11: a slow write does not restore a removed record",
      "SEC-12: no step restores a record that is removed before one of its commands",
      "SEC-37: a record that cannot be decoded causes no error, and is kept until it is removed",
    ],
    (store) => ({
      async remove(key, expected) {
        const { entries } = store;
        const entry = entries.get(key);
        const answer = await store.remove(key, expected);
        if (answer.status === "ok" && entry !== undefined) entries.set(key, entry);
        return answer;
      },
    }),
  ],
  [
    "removes whatever is there",
    ["SEC-11: remove with an expected commit id only succeeds if it is current"],
    (store) => ({ remove: (key) => store.remove(key) }),
  ],
  [
    "puts a record back that was removed between two commands",
    [
      "SEC-11: a slow write does not restore a removed record",
      "SEC-12: each step is one command, and after a conflict a second one may read the record",
      "SEC-12: no step restores a record that is removed before one of its commands",
    ],
    (store) => ({
      async replace(key, expected, write) {
        const { entries } = store;
        const before = await store.read(key);
        // Longer than the random delay of the removal.
        await turns(1000);
        const answer = await store.replace(key, expected, write);
        if (answer.status !== "gone" || before?.commit !== expected) return answer;
        entries.set(key, { ...write, expiresAt: Infinity });
        return { status: "ok" };
      },
    }),
  ],
  [
    "looks before it replaces",
    ["SEC-12: each step is one command, and after a conflict a second one may read the record"],
    (store) => ({
      async replace(key, expected, write) {
        const found = await store.read(key);
        return found === undefined ? { status: "gone" } : store.replace(key, expected, write);
      },
    }),
  ],
  [
    "reads what has expired",
    [
      "SEC-27: every step reports an expired record as gone, without a cleanup",
      "SEC-28: replace sets a new lifetime, longer or shorter; read does not extend it",
    ],
    (store) => ({
      async read(key) {
        const found = await store.read(key);
        const { entries, corrupted } = store;
        const entry = corrupted.has(key) ? undefined : entries.get(key);
        return found ?? entry;
      },
    }),
  ],
  [
    "replaces what has expired",
    ["SEC-27: every step reports an expired record as gone, without a cleanup"],
    (store) => ({
      async replace(key, expected, write) {
        const { entries } = store;
        const entry = entries.get(key);
        if (entry?.commit === expected) entries.set(key, { ...entry, expiresAt: Infinity });
        return store.replace(key, expected, write);
      },
    }),
  ],
  [
    "keeps a key that has expired from being used",
    ["SEC-27: every step reports an expired record as gone, without a cleanup"],
    (store) => ({
      async insert(key, write) {
        const { entries } = store;
        const before = entries.get(key);
        const isDone = await store.insert(key, write);
        if (before !== undefined) entries.set(key, before);
        return isDone && before === undefined;
      },
    }),
  ],
  [
    "counts lifetimes in whole hundreds of seconds",
    [
      "SEC-27: every step reports an expired record as gone, without a cleanup",
      "SEC-32: two workers remove all expired records, and no others, in bounded batches",
      "readMany: omits expired records",
    ],
    (store) => ({
      insert: (key, write) =>
        store.insert(key, { ...write, lifetime: Math.ceil(write.lifetime / 100) * 100 }),
    }),
  ],
  [
    "leaves the lifetime as it was",
    ["SEC-28: replace sets a new lifetime, longer or shorter; read does not extend it"],
    (store) => ({
      async replace(key, expected, write) {
        const { entries } = store;
        const before = entries.get(key);
        const answer = await store.replace(key, expected, write);
        if (answer.status === "ok") entries.set(key, { ...entries.get(key)!, expiresAt: before!.expiresAt });
        return answer;
      },
    }),
  ],
  [
    "takes a read for activity",
    [
      "SEC-27: every step reports an expired record as gone, without a cleanup",
      "SEC-28: replace sets a new lifetime, longer or shorter; read does not extend it",
    ],
    (store) => ({
      async read(key) {
        const found = await store.read(key);
        const { entries } = store;
        if (found !== undefined) {
          const { expiresAt, ...entry } = entries.get(key)!;
          entries.set(key, { ...entry, expiresAt: expiresAt + 100_000 });
        }
        return found;
      },
    }),
  ],
  [
    "takes a lost replace for activity",
    ["SEC-28: replace sets a new lifetime, longer or shorter; read does not extend it"],
    (store, { clock }) => ({
      async replace(key, expected, write) {
        const answer = await store.replace(key, expected, write);
        const { entries } = store;
        const expiresAt = clock.now() + write.lifetime * 1000;
        if (answer.status === "conflict") entries.set(key, { ...entries.get(key)!, expiresAt });
        return answer;
      },
    }),
  ],
  [
    "tells the time of another clock",
    ["SEC-33: read or now returns the time of the store's clock"],
    (store) => ({
      async read(key) {
        const found = await store.read(key);
        return found && { ...found, now: found.now! - 3_600_000 };
      },
    }),
  ],
  [
    "tells no time",
    ["SEC-33: read or now returns the time of the store's clock"],
    (store) => ({
      async read(key) {
        const found = await store.read(key);
        return found && { text: found.text, commit: found.commit };
      },
    }),
  ],
  [
    "removes expired records without bounds",
    ["SEC-32: two workers remove all expired records, and no others, in bounded batches"],
    (store) => ({ removeExpired: () => store.removeExpired(ALL) }),
  ],
  [
    "forgets to remove expired records",
    ["SEC-32: two workers remove all expired records, and no others, in bounded batches"],
    () => ({ removeExpired: async () => 0 }),
  ],
  [
    "removes live records as well",
    ["SEC-32: two workers remove all expired records, and no others, in bounded batches"],
    (store) => ({
      async removeExpired(limit) {
        const { entries } = store;
        const removed = await store.removeExpired(limit);
        for (const [key, { text }] of entries) if (text === "text") entries.delete(key);
        return removed;
      },
    }),
  ],
  [
    "loads whole records for a list",
    ["readMany: returns the existing records, truncated"],
    (store) => ({ readMany: (keys) => store.readMany(keys, ALL) }),
  ],
  [
    "lists the first hundred alone",
    ["readMany: returns the existing records, truncated"],
    (store) => ({ readMany: (keys, length) => store.readMany(keys.slice(0, 100), length) }),
  ],
  [
    "lists what has expired",
    ["readMany: omits expired records"],
    (store) => ({
      async readMany(keys, length) {
        const { entries } = store;
        const found = keys.flatMap((key): Array<[string, Stored]> => {
          const entry = entries.get(key);
          return entry ? [[key, { ...entry, text: entry.text.slice(0, length) }]] : [];
        });
        return new Map(found);
      },
    }),
  ],
  [
    "takes an engine that is down for an empty one",
    ["SEC-34: every step rejects while the engine is unavailable, and works again afterwards"],
    (store) => ({ read: async (key) => (store.isDown ? undefined : store.read(key)) }),
  ],
  [
    "says ok to what it could not write",
    ["SEC-34: every step rejects while the engine is unavailable, and works again afterwards"],
    (store) => ({
      replace: async (...args) => (store.isDown ? { status: "ok" } : store.replace(...args)),
    }),
  ],
  [
    "takes what it could not remove for gone",
    ["SEC-34: every step rejects while the engine is unavailable, and works again afterwards"],
    (store) => ({
      remove: async (...args) => (store.isDown ? { status: "gone" } : store.remove(...args)),
    }),
  ],
  [
    "fails at what it cannot decode",
    ["SEC-37: a record that cannot be decoded causes no error, and is kept until it is removed"],
    (store) => ({
      async read(key) {
        if (store.corrupted.has(key)) throw new SyntaxError("not a record");
        return store.read(key);
      },
    }),
  ],
  [
    "throws away what it cannot decode",
    ["SEC-37: a record that cannot be decoded causes no error, and is kept until it is removed"],
    (store) => ({
      async read(key) {
        const { entries, corrupted } = store;
        if (corrupted.delete(key)) entries.delete(key);
        return store.read(key);
      },
    }),
  ],
];

describe("storeContract", () => {
  it("passes a sound store", async () => {
    expect(await failures(() => ({}))).toEqual([]);
  });

  it("passes a store that rejects with the errors of its driver", async () => {
    const passesOn = await failures((store) => ({
      async remove(...args) {
        if (store.isDown) throw new TypeError("socket hang up");
        return store.remove(...args);
      },
    }));
    expect(passesOn).toEqual([]);
  });

  it("has a broken store for every test", async () => {
    const caught = new Set(BROKEN.flatMap(([, fails]) => fails));
    const names = contractOn(() => ({})).map(([name]) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !caught.has(name))).toEqual(["closes its connections"]);
  });

  it.each(BROKEN)("fails only the expected tests of a store that %s", async (_, fails, damage) => {
    expect((await failures(damage)).toSorted()).toEqual([...fails].toSorted());
  });

  it("leaves races out for a store that says it is not atomic", () => {
    const names = contractOn(() => ({}), { atomic: false }).map(([name]) => name);
    expect(names.filter((name) => /parallel|restore/.test(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(12);
  });
});

/** The contract on a damaged store, its tests ready to be run. */
function contractOn(damage: Break, more: object = {}): Array<[name: string, body: () => Promise<void>]> {
  const tests: Array<[name: string, body: () => Promise<void>]> = [];
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void>) => void tests.push([name, body]),
  };
  const factory = (tools: StoreTools): StoreUnderTest => {
    const store = new MapStore(tools.clock.now, tools.beforeCommand);
    return {
      store: { ...bound(store), ...damage(store, tools) },
      corrupt: async (key) => store.corrupt(key),
      dump: async (key) => store.dump(key),
      outage: { begin: async () => (store.isDown = true), end: async () => (store.isDown = false) },
    };
  };
  const capabilities = { corrupts: true, stops: true, countsCommands: true };
  storeContract(runner, factory, { ...capabilities, scale: 0.02, seed: 1, ...more });
  return tests;
}

/** The names of the tests that a damaged store fails. */
async function failures(damage: Break): Promise<string[]> {
  const failed: string[] = [];
  for (const [name, body] of contractOn(damage)) await body().catch(() => failed.push(name));
  return failed;
}
