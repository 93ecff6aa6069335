import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "vitest";
import { session, SessionManager, UnserializableError } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { cpuTime } from "../support/cpu-time.ts";
import { bound } from "../support/map-store.ts";
import { Visitor } from "./visitor.ts";

const DEEP = `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`;

/** A visitor whose store answers with these fields in place of its own. */
async function visitorOf(fields: Iterable<readonly [string, string]>) {
  const inner = memoryStore();
  let isHostile = false;
  const store: Store = {
    ...bound(inner),
    async read(key) {
      const found = await inner.read(key);
      if (!isHostile || found === undefined) return found;
      const [head] = found.text.split("\n");
      const texts = Array.from(fields, ([name, text]) => `${JSON.stringify(name)}:${text}`);
      return { ...found, text: `${head}\n{${texts.join()}}` };
    },
  };
  const ada = new Visitor(new SessionManager({ secretKey: "s", store, storeOptions: { sweepEvery: 0 } }));
  await ada.visit(() => (session.username = "ada"));
  isHostile = true;
  return ada;
}

describe("a store that answers with", () => {
  const hostile: Array<[string, () => Iterable<readonly [string, string]>]> = [
    ["JSON of a million levels", () => [["a", DEEP]]],
    ["a hundred thousand keys", () => Array.from({ length: 100_000 }, (_, n) => [`k${n}`, "1"] as const)],
    [
      "a value of a hundred thousand keys",
      () => [["a", `{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join()}}`]],
    ],
    ["what is no JSON", () => [["a", "{"]]],
    ["a tag that cannot be read", () => [["a", '{" u":"no uuid"}']]],
    ["code", () => [["a", "(() => 1)()"]]],
  ];

  it.each(hostile)(
    "%s is met with an empty session, told, in little time (SEC-61, SEC-37)",
    async (_, fields) => {
      const told: unknown[] = [];
      const listen = (message: unknown) => void told.push(message);
      const ada = await visitorOf(fields());
      subscribe("hipflask:refused", listen);
      const began = cpuTime();
      const answer = await ada.visit(() => session.size);
      unsubscribe("hipflask:refused", listen);
      expect(answer).toMatchObject({ seen: 0, cookies: [] });
      expect(cpuTime() - began).toBeLessThan(2000);
      expect(told).toEqual([{ cookieName: "session", reason: "undecodable" }]);
    },
  );

  it("names of prototypes has given plain data, and polluted nothing (SEC-60)", async () => {
    const names = ["__proto__", "constructor", "prototype", "toString"];
    const ada = await visitorOf(names.map((name) => [name, '{"__proto__":{"x":1},"x":2}']));
    const { seen } = await ada.visit(() => names.map((name) => Object.entries(session.get(name) as object)));
    expect(seen).toEqual(
      names.map(() => [
        ["__proto__", { x: 1 }],
        ["x", 2],
      ]),
    );
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
});

describe("a stored session", () => {
  const wrong: Array<[string, () => unknown]> = [
    ["a function", () => () => 1],
    ["a symbol", () => Symbol("x")],
    ["an instance of a class", () => new (class Secret {})()],
    [
      "a cycle",
      () => {
        const list: unknown[] = [];
        list.push(list);
        return list;
      },
    ],
    ["a promise", () => Promise.resolve(1)],
  ];

  it.each(wrong)("refuses %s at once, with its place (SEC-59)", async (_, make) => {
    const ada = new Visitor(
      new SessionManager({ secretKey: "s", store: memoryStore(), storeOptions: { sweepEvery: 0 } }),
    );
    await ada.visit(() => {
      expect(() => (session.cart = { items: [1, make()] })).toThrow(UnserializableError);
      expect(() => (session.cart = { items: [1, make()] })).toThrow(/inside cart/);
    });
    expect(await ada.data()).toEqual({});
  });

  it("keeps NaN and the infinities, as Flask does", async () => {
    const ada = new Visitor(
      new SessionManager({ secretKey: "s", store: memoryStore(), storeOptions: { sweepEvery: 0 } }),
    );
    await ada.visit(() => (session.odd = [Number.NaN, Infinity, -Infinity, -0]));
    expect((await ada.data())["odd"]).toEqual([Number.NaN, Infinity, -Infinity, -0]);
  });

  it("saves a change inside a nested value, or fails; it never forgets one (SEC-62)", async () => {
    const ada = new Visitor(
      new SessionManager({ secretKey: "s", store: memoryStore(), storeOptions: { sweepEvery: 0 } }),
    );
    await ada.visit(() => (session.cart = { items: [{ name: "tea" }] }));
    await ada.visit(() => session.cart.items.push({ name: "mug" }));
    await ada.visit(() => (session.cart.items[0].name = "green tea"));
    expect(await ada.data()).toEqual({ cart: { items: [{ name: "green tea" }, { name: "mug" }] } });
    await expect(ada.visit(() => session.cart.items.push(() => 1))).rejects.toThrow(UnserializableError);
    expect(await ada.data()).toMatchObject({ cart: { items: [{}, {}] } });
  });
});
