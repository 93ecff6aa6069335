import { describe, expect, it } from "vitest";
import { memoryStore } from "../src/stores/memory.ts";
import { StoreError } from "../src/errors.ts";
import { GONE, OK, TAKEN, UNDECODABLE, type SessionStore } from "../src/stores/verbs.ts";
import { storeContract, type StoreTools, type StoreUnderTest } from "../src/testing/store-contract.ts";
import { bound } from "../src/testing/store-kit/concurrency.ts";

/** A store, and whether its engine is out of reach just now. */
interface Engine {
  readonly isDown: () => boolean;
}

type Break = (store: SessionStore, tools: StoreTools, engine: Engine) => Partial<SessionStore>;

/** For each requirement a store that breaks it, and it alone as far as that is possible. */
const BROKEN: ReadonlyArray<readonly [requirement: string, what: string, damage: Break]> = [
  [
    "SEC-2",
    "takes the stored hash for a verifier",
    (store) => ({
      async patch(selector, presented, change) {
        const found = await store.read(selector);
        const hash = found.status === "ok" ? found.record.verifierHash : presented;
        return store.patch(selector, hash, change);
      },
    }),
  ],
  [
    "SEC-5",
    "adopts an unknown selector",
    (store) => ({
      async patch(selector, presented, change) {
        const answer = await store.patch(selector, presented, change);
        if (answer.status !== "gone") return answer;
        const fields = change.set ?? new Map();
        await store.create({
          selector,
          verifierHash: presented,
          fields,
          expiry: change.expiry ?? { idle: 60 },
        });
        return OK;
      },
    }),
  ],
  [
    "SEC-6",
    "overwrites on create",
    (store) => ({
      async create(session) {
        await store.destroy(session.selector);
        return store.create(session);
      },
    }),
  ],
  [
    "SEC-8",
    "says ok for a missing session",
    (store) => ({
      touch: async (...args) => {
        const answer = await store.touch(...args);
        return answer.status === "gone" ? OK : answer;
      },
    }),
  ],
  [
    "SEC-9",
    "writes whole states",
    (store) => ({
      async patch(selector, presented, change) {
        const found = await store.read(selector);
        if (found.status !== "ok") return found;
        await new Promise(setImmediate);
        const fields = new Map(found.record.fields);
        for (const key of change.unset ?? []) fields.delete(key);
        for (const [key, text] of change.set ?? []) fields.set(key, text);
        return store.patch(selector, presented, { ...change, keep: [], unset: [], set: fields });
      },
    }),
  ],
  [
    "SEC-10",
    "never unsets",
    (store) => ({
      patch: (selector, presented, change) =>
        store.patch(selector, presented, { ...change, unset: undefined }),
    }),
  ],
  [
    "SEC-11",
    "revives what was destroyed",
    (store) => {
      const remembered = new Map<string, Parameters<SessionStore["create"]>[0]>();
      return {
        create(session) {
          remembered.set(session.selector, session);
          return store.create({ ...session, claim: undefined });
        },
        async touch(selector, presented, touch) {
          const answer = await store.touch(selector, presented, touch);
          const session = remembered.get(selector);
          if (answer.status === "gone" && session) await store.create({ ...session, claim: undefined });
          return answer;
        },
      };
    },
  ],
  [
    "SEC-12",
    "looks before it writes",
    (store) => ({
      async patch(selector, presented, change) {
        const found = await store.read(selector);
        return found.status === "ok" ? store.patch(selector, presented, change) : found;
      },
    }),
  ],
  [
    "SEC-12",
    "puts a session back that ended between two commands",
    (store) => ({
      async rotate(selector, presented, rotation) {
        const found = await store.read(selector);
        const answer = await store.rotate(selector, presented, rotation);
        if (answer.status !== "gone" || found.status !== "ok") return answer;
        const { verifierHash, fields } = found.record;
        await store.create({ selector, verifierHash, fields, expiry: { idle: 60 } });
        return OK;
      },
    }),
  ],
  [
    "SEC-13",
    "compares nothing",
    (store) => ({
      patch: (selector, presented, change) =>
        store.patch(selector, presented, { ...change, expect: undefined }),
    }),
  ],
  [
    "SEC-14",
    "lets a transaction win that lost",
    (store) => ({
      async patch(selector, presented, change) {
        const answer = await store.patch(selector, presented, change);
        return answer.status === "conflict" ? OK : answer;
      },
    }),
  ],
  [
    "SEC-21",
    "gives a grace nobody asked for",
    (store) => ({
      rotate: (selector, presented, rotation) =>
        store.rotate(selector, presented, { ...rotation, grace: rotation.grace || 30 }),
    }),
  ],
  [
    "SEC-23",
    "knows no grace",
    (store) => ({
      rotate: (selector, presented, rotation) => store.rotate(selector, presented, { ...rotation, grace: 0 }),
    }),
  ],
  [
    "SEC-24",
    "lets only the first of two equal rotations through",
    (store) => {
      const done = new Set<string>();
      return {
        async rotate(selector, presented, rotation) {
          if (done.has(rotation.next)) return { status: "conflict", reason: "rotated" };
          done.add(rotation.next);
          return store.rotate(selector, presented, rotation);
        },
      };
    },
  ],
  [
    "SEC-27",
    "reads what has expired",
    (store, { clock }) => {
      const seen = new Map<string, Awaited<ReturnType<SessionStore["read"]>>>();
      return {
        async read(selector) {
          const found = await store.read(selector);
          if (found.status === "ok") seen.set(selector, found);
          const before = seen.get(selector);
          const expired = before?.status === "ok" && before.record.expiresAt <= clock.now();
          return found.status === "gone" && expired ? before : found;
        },
      };
    },
  ],
  [
    "SEC-28",
    "takes a rotation for activity",
    (store) => ({
      rotate: (selector, presented, rotation) =>
        store.rotate(selector, presented, {
          ...rotation,
          change: { expiry: { idle: 3600 }, ...rotation.change },
        }),
    }),
  ],
  [
    "SEC-29",
    "writes every touch",
    (store) => ({
      touch: (selector, presented, { idle }) => store.touch(selector, presented, { idle }),
    }),
  ],
  ["SEC-32", "removes without bounds", (store) => ({ deleteExpired: () => store.deleteExpired(1e9) })],
  ["SEC-32", "forgets to remove", () => ({ deleteExpired: async () => 0 })],
  [
    "SEC-34",
    "takes an engine that is down for an empty one",
    (store, _, { isDown }) => ({
      read: async (selector) => (isDown() ? GONE : store.read(selector)),
    }),
  ],
  [
    "SEC-34",
    "says ok to what it could not write",
    (store, _, { isDown }) => ({
      patch: async (...args) => (isDown() ? OK : store.patch(...args)),
    }),
  ],
  [
    "SEC-37",
    "throws away what it cannot read",
    (store) => ({
      async read(selector) {
        const found = await store.read(selector);
        if (found.status === "gone" && found.undecodable) await store.destroy(selector);
        return found;
      },
    }),
  ],
  [
    "SEC-37",
    "fails at what it cannot read",
    (store) => ({
      async read(selector) {
        const found = await store.read(selector);
        if (found.status === "gone" && found.undecodable) throw new SyntaxError("not JSON");
        return found;
      },
    }),
  ],
  [
    "SEC-61",
    "takes records of any size",
    () => {
      const limits = { fields: Infinity, bytes: Infinity };
      return bound(memoryStore({ limits }));
    },
  ],
  [
    "SEC-63",
    "lists verifiers",
    (store) => ({
      async list(owner) {
        const infos = await store.list(owner);
        return Promise.all(
          infos.map(async (info) => {
            const found = await store.read(info.selector);
            return found.status === "ok"
              ? Object.assign(info, { verifierHash: found.record.verifierHash })
              : info;
          }),
        );
      },
    }),
  ],
  [
    "SEC-64",
    "forgets that all was revoked",
    (store) => ({
      create: (session) =>
        store.create({ ...session, claim: session.claim && { ...session.claim, elapsed: () => 0 } }),
    }),
  ],
  [
    "SEC-66",
    "counts sessions before it adds one",
    (store) => ({
      async create(session) {
        const { claim } = session;
        if (!claim?.limit) return store.create(session);
        const listed = await store.list(claim.owner);
        await new Promise(setImmediate);
        if (listed.length >= claim.limit.max && claim.limit.overflow === "refuse")
          return { status: "conflict", reason: "limit" };
        return store.create({ ...session, claim: { ...claim, limit: undefined } });
      },
    }),
  ],
];

describe("storeContract", () => {
  it("passes a sound store", async () => {
    expect(await failures((store) => bound(store))).toEqual([]);
  });

  it("has a broken store for every requirement it tests", async () => {
    const broken = new Set(BROKEN.map(([requirement]) => requirement));
    const { tests } = contractOn(() => ({}));
    const tested = tests.flatMap(([name]) => /^SEC-\d+/.exec(name) ?? []);
    expect(tested.length).toBeGreaterThan(30);
    expect(tested.filter((requirement) => !broken.has(requirement))).toEqual([]);
  });

  it.each(BROKEN)("%s: catches a store that %s", async (requirement, _, damage) => {
    const failed = await failures(damage);
    expect(failed.map((name) => name.split(":")[0])).toContain(requirement);
  });
});

/** The contract on a damaged store, its tests ready to be run. */
function contractOn(damage: Break) {
  const tests: Array<[name: string, body: () => Promise<void>]> = [];
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void>) => void tests.push([name, body]),
  };
  const factory = (tools: StoreTools): StoreUnderTest => {
    const { store, isDown, ...rest } = mortal(memoryStore({ now: tools.clock.now }), tools);
    return { ...rest, store: { ...store, ...damage(store, tools, { isDown }) } };
  };
  const capabilities = { corrupts: true, stops: true, countsCommands: true };
  storeContract(runner, factory, { ...capabilities, scale: 0.02, seed: 1 });
  return { tests };
}

/** The names of the tests that a damaged store fails. */
async function failures(damage: Break): Promise<string[]> {
  const failed: string[] = [];
  for (const [name, body] of contractOn(damage).tests) {
    await body().catch(() => failed.push(name));
  }
  return failed;
}

/** A sound store on an engine like any other: each verb is a command, it can be out of reach, and records can break. */
function mortal(inner: SessionStore, { beforeCommand }: StoreTools) {
  const corrupted = new Set<string>();
  let isDown = false;
  const sound = bound(inner);
  const command = async <Result>(act: () => Promise<Result>): Promise<Result> => {
    await beforeCommand();
    if (isDown) throw new StoreError("unavailable", "down on purpose");
    return act();
  };
  const unless = async <Result>(selector: string, answer: Result, act: () => Promise<Result>) =>
    command(async () => (corrupted.has(selector) ? answer : act()));
  const store: SessionStore = {
    traits: sound.traits,
    create: (session) =>
      unless<Awaited<ReturnType<SessionStore["create"]>>>(session.selector, TAKEN, () =>
        sound.create(session),
      ),
    read: (selector) =>
      unless<Awaited<ReturnType<SessionStore["read"]>>>(selector, UNDECODABLE, () => sound.read(selector)),
    patch: (selector, ...rest) =>
      unless<Awaited<ReturnType<SessionStore["patch"]>>>(selector, GONE, () =>
        sound.patch(selector, ...rest),
      ),
    touch: (selector, ...rest) =>
      unless<Awaited<ReturnType<SessionStore["touch"]>>>(selector, GONE, () =>
        sound.touch(selector, ...rest),
      ),
    rotate: (selector, ...rest) =>
      unless<Awaited<ReturnType<SessionStore["rotate"]>>>(selector, GONE, () =>
        sound.rotate(selector, ...rest),
      ),
    destroy: (selector) => command(() => (corrupted.delete(selector), sound.destroy(selector))),
    list: (owner) => command(() => sound.list(owner)),
    destroyAll: (owner, options) => command(() => sound.destroyAll(owner, options)),
    deleteExpired: (limit) => command(() => sound.deleteExpired(limit)),
    live: (selectors) => command(() => sound.live(selectors)),
  };
  return {
    store,
    isDown: () => isDown,
    corrupt: async (selector: string) => corrupted.add(selector),
    dump: async (selector: string) =>
      `${corrupted.has(selector)} ${JSON.stringify(await sound.read(selector))}`,
    outage: { begin: async () => (isDown = true), end: async () => (isDown = false) },
  };
}
