import { describe, expect, it } from "vitest";
import { StoreError } from "../../errors.ts";
import { ANCESTORS, CommitLoop, type CommitFormat, type Step } from "./commit.ts";
import { memoryStore } from "../memory.ts";
import { StoreCalls } from "./store-calls.ts";
import type { Store } from "./store.ts";

interface Counter {
  readonly count: number;
  readonly ancestors: string;
}

const format: CommitFormat<string, Counter> = {
  decode(_, text) {
    const [count, ancestors = ""] = text.split(" ");
    return /^\d+$/.test(count!) ? { count: Number(count), ancestors } : undefined;
  },
  encode: ({ count, ancestors }) => `${count} ${ancestors}`,
  ancestors: ANCESTORS,
};

function loopOver(store: Store, seconds?: number): CommitLoop<string, Counter> {
  return new CommitLoop(new StoreCalls(store, { seconds }), format);
}

const plusOne = ({ entry }: { readonly entry: Counter }): Step<Counter, number> => ({
  action: "write",
  entry: { ...entry, count: entry.count + 1 },
  lifetime: 60,
  isComputed: true,
  result: entry.count + 1,
});

async function counterIn(store: Store): Promise<CommitLoop<string, Counter>> {
  const loop = loopOver(store);
  await loop.insert("n", () => ({ entry: { count: 0, ancestors: "" }, lifetime: 60 }));
  return loop;
}

async function countIn(store: Store): Promise<number> {
  return Number((await store.read("n"))!.text.split(" ")[0]);
}

/** The same store, where `step` is done by `act`. */
function withStep<Name extends "read" | "insert" | "replace" | "remove">(
  inner: Store,
  step: Name,
  act: (...args: Parameters<Store[Name]>) => ReturnType<Store[Name]>,
): Store {
  return new Proxy(inner, {
    get(target, name) {
      if (name === step) return act;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

const lost = () => new StoreError("unavailable", "The connection broke.");

describe("CommitLoop", () => {
  it("queues the commits of one process, so that 64 counters cost 64 steps", async () => {
    const inner = memoryStore();
    const steps: string[] = [];
    const store = withStep(inner, "replace", async (...args) => {
      steps.push("replace");
      await new Promise(setImmediate);
      return inner.replace(...args);
    });
    const loop = await counterIn(store);
    const known = await loop.read("n");
    if (typeof known === "string") throw new Error(known);
    const results = await Promise.all(Array.from({ length: 64 }, () => loop.change("n", known, plusOne)));
    expect(await countIn(inner)).toBe(64);
    expect(new Set(results.map((done) => done.status === "ok" && done.result)).size).toBe(64);
    expect(steps).toHaveLength(64);
  });

  it("ends a record at once, and lets what is being written find it gone", async () => {
    const inner = memoryStore();
    let goOn = () => {};
    const store = withStep(inner, "replace", async (...args) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      return inner.replace(...args);
    });
    const loop = await counterIn(store);
    const written = loop.change("n", undefined, plusOne);
    const end = (): Step<Counter, string> => ({ action: "remove", result: "ended" });
    expect(await loop.change("n", undefined, end, { isUrgent: true })).toMatchObject({
      status: "ok",
      result: "ended",
    });
    goOn();
    expect(await written).toEqual({ status: "gone" });
  });

  it("loses no change among processes", async () => {
    const store = memoryStore();
    await counterIn(store);
    const processes = Array.from({ length: 8 }, () => loopOver(store));
    await Promise.all(
      processes.flatMap((loop) => Array.from({ length: 8 }, () => loop.change("n", undefined, plusOne))),
    );
    expect(await countIn(store)).toBe(64);
  });

  it.each([
    ["replace", "applied"],
    ["replace", "not applied"],
  ])("applies once when the answer to %s is lost, %s", async (_, fate) => {
    const inner = memoryStore();
    let answersLost = 0;
    const store = withStep(inner, "replace", async (...args) => {
      if (answersLost++ % 2 === 1) return inner.replace(...args);
      if (fate === "applied") await inner.replace(...args);
      throw lost();
    });
    const loop = await counterIn(inner).then(() => loopOver(store));
    for (let n = 0; n < 10; n++)
      expect(await loop.change("n", undefined, plusOne)).toMatchObject({ status: "ok", result: n + 1 });
    expect(await countIn(inner)).toBe(10);
  });

  it.each([
    [1, "ok"],
    [8, "ok"],
    [9, "unavailable"],
    [30, "unavailable"],
  ])("settles a lost answer behind %i commits of others: %s", async (others, outcome) => {
    const inner = memoryStore();
    const other = await counterIn(inner);
    let isLost = false;
    const store = withStep(inner, "replace", async (...args) => {
      const answer = await inner.replace(...args);
      if (isLost) return answer;
      isLost = true;
      for (let n = 0; n < others; n++) await other.change("n", undefined, plusOne);
      throw lost();
    });
    const done = await loopOver(store)
      .change("n", undefined, plusOne)
      .catch((error: StoreError) => ({ status: error.reason }));
    expect(done.status).toBe(outcome);
    expect(await countIn(inner)).toBe(others + 1);
  });

  it("tells a commit that was never made from one that was, although others wrote since", async () => {
    const inner = memoryStore();
    const other = await counterIn(inner);
    let isLost = false;
    const store = withStep(inner, "replace", async (...args) => {
      if (isLost) return inner.replace(...args);
      isLost = true;
      await other.change("n", undefined, plusOne);
      throw lost();
    });
    expect(await loopOver(store).change("n", undefined, plusOne)).toMatchObject({ result: 2 });
    expect(await countIn(inner)).toBe(2);
  });

  it.each([
    [true, "unavailable"],
    [false, "ok"],
  ])(
    "where ids are derived from contents, and one was computed (%s), takes the same content for: %s",
    async (isComputed, outcome) => {
      const { ancestors: _, ...bare } = format;
      const plain: CommitFormat<string, Counter> = { ...bare, encode: ({ count }) => String(count) };
      const inner = memoryStore();
      let isLost = false;
      const store = Object.assign(
        withStep(inner, "replace", async (...args) => {
          const answer = await inner.replace(...args);
          if (isLost) return answer;
          isLost = true;
          throw lost();
        }),
        { commitOf: (text: string) => text.padEnd(16, "_") },
      );
      const loop = new CommitLoop(new StoreCalls(store), plain);
      await loop.insert("n", () => ({ entry: { count: 0, ancestors: "" }, lifetime: 60 }));
      const act = (known: { readonly entry: Counter }) => Object.assign(plusOne(known), { isComputed });
      const done = await loop
        .change("n", undefined, act)
        .catch((error: StoreError) => ({ status: error.reason }));
      expect(done.status).toBe(outcome);
      expect((await inner.read("n"))!.text).toBe("1");
    },
  );

  it("settles a lost answer to insert and to remove", async () => {
    const inner = memoryStore();
    let isLost = false;
    const failing = async <Result>(step: () => Promise<Result>): Promise<Result> => {
      const answer = await step();
      isLost = !isLost;
      if (isLost) throw lost();
      return answer;
    };
    const store = withStep(
      withStep(inner, "insert", (...args) => failing(() => inner.insert(...args))),
      "remove",
      (...args) => failing(() => inner.remove(...args)),
    );
    const loop = await counterIn(store);
    expect(await countIn(inner)).toBe(0);
    expect(await loop.insert("n", () => ({ entry: { count: 9, ancestors: "" }, lifetime: 60 }))).toBe(
      "taken",
    );
    isLost = false;
    expect(await loop.change("n", undefined, () => ({ action: "remove", result: "ended" }))).toMatchObject({
      status: "ok",
      result: "ended",
      known: undefined,
    });
    expect(await loop.change("n", undefined, plusOne)).toEqual({ status: "gone" });
  });

  it("fails in time, blocks no other commit, and writes nothing after that", async () => {
    const inner = memoryStore();
    await counterIn(inner);
    let release = () => {};
    let isSlow = true;
    const store = withStep(inner, "read", async (key) => {
      if (isSlow) await new Promise<void>((resolve) => (release = resolve));
      return inner.read(key);
    });
    const loop = loopOver(store, 0.05);
    const slow = loop.change("n", undefined, plusOne);
    await expect(slow).rejects.toMatchObject({ reason: "timeout" });
    isSlow = false;
    expect(await loop.change("n", undefined, plusOne)).toMatchObject({ result: 1 });
    release();
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect(await countIn(inner)).toBe(1);
  });

  it("leaves alone what it cannot read, and what is gone", async () => {
    const store = memoryStore();
    const loop = loopOver(store);
    expect(await loop.change("n", undefined, plusOne)).toEqual({ status: "gone" });
    await store.insert("n", { text: "odd", commit: "AAAAAAAAAAAAAAAA", lifetime: 60 });
    expect(await loop.read("n")).toBe("undecodable");
    expect(await loop.change("n", undefined, plusOne)).toEqual({ status: "undecodable" });
    expect(await store.read("n")).toMatchObject({ text: "odd" });
  });
});

describe("readMany", () => {
  it("keeps the beginnings alone of what a store can only read one by one", async () => {
    const store = memoryStore();
    const loop = await counterIn(store);
    await store.insert("long", {
      text: `7 ${"\u{1F600}".repeat(500)}`,
      commit: "a".repeat(16),
      lifetime: 60,
    });
    const oneByOne = loopOver({
      name: store.name,
      atomic: true,
      read: (key) => store.read(key),
      insert: (key, write) => store.insert(key, write),
      replace: (key, expected, write) => store.replace(key, expected, write),
      remove: (key, expected) => store.remove(key, expected),
    });
    const found = await oneByOne.readMany(["long", "n", "none"], 3);
    expect([...found].map(([key, { text }]) => [key, text])).toEqual([
      ["long", "7 \ud83d"],
      ["n", (await store.read("n"))!.text],
    ]);
    expect([...found.keys()]).toEqual([...(await loop.readMany(["long", "n", "none"], 3)).keys()]);
  });
});
