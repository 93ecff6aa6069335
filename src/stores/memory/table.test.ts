import { describe, expect, it } from "vitest";
import { seededRandom } from "../../testing/store-kit/kit.ts";
import { EMPTY, MemoryTable } from "./table.ts";

interface Entry {
  readonly text: string;
  readonly expiresAt: number;
  readonly anonymous: boolean;
}

function put(table: MemoryTable, key: string, { text, expiresAt, anonymous }: Entry): void {
  table.set(key, text, Buffer.byteLength(text), expiresAt, anonymous);
}

function got(table: MemoryTable, key: string): Omit<Entry, "anonymous"> | undefined {
  const slot = table.slotOf(key);
  return slot === EMPTY ? undefined : { text: table.textIn(slot), expiresAt: table.expiresAt(slot) };
}

describe("MemoryTable", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);

  it(`agrees with a Map through random sets and deletes (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const table = new MemoryTable();
    const map = new Map<string, Entry>();
    for (let round = 0; round < 30_000; round++) {
      // Half of the time few keys, so that sets replace and deletes hit; then many, so that the table grows.
      const key = `s${Math.floor(random() * (round < 15_000 ? 200 : 6000))}`;
      if (random() < 0.3) {
        table.delete(key);
        map.delete(key);
      } else {
        const text = (random() < 0.1 ? "é🍶" : "x").repeat(Math.floor(random() * 200));
        const entry = { text, expiresAt: Math.floor(random() * 1e6), anonymous: random() < 0.5 };
        put(table, key, entry);
        map.set(key, entry);
      }
      expect(table.size).toBe(map.size);
    }
    let bytes = 0;
    for (const [key, { text, expiresAt }] of map) {
      expect(got(table, key)).toEqual({ text, expiresAt });
      bytes += Buffer.byteLength(text);
    }
    expect(table.bytes).toBe(bytes);
    for (let now = 0; now <= 1e6; now += 1e5) {
      const left = Array.from(map.values()).filter(({ expiresAt }) => expiresAt > now).length;
      const due = table.size - left;
      expect(table.deleteExpired(now, 10)).toBe(Math.min(10, due));
      expect(table.deleteExpired(now, Infinity)).toBe(Math.max(0, due - 10));
      expect(table.size).toBe(left);
    }
    expect([table.size, table.bytes]).toEqual([0, 0]);
  });

  it("deletes the anonymous string that expires first, and no other", () => {
    const table = new MemoryTable();
    for (let at = 0; at < 100; at++) {
      put(table, `k${at}`, { text: "x", expiresAt: (at * 7919) % 100, anonymous: at % 4 !== 0 });
    }
    table.own("k1");
    const order = Array.from({ length: 100 }, (_, at) => at)
      .filter((at) => at % 4 !== 0 && at !== 1)
      .sort((a, b) => ((a * 7919) % 100) - ((b * 7919) % 100));
    for (const at of order) {
      expect(table.slotOf(`k${at}`)).not.toBe(EMPTY);
      expect(table.deleteFirstAnonymous()).toBe(true);
      expect(table.slotOf(`k${at}`)).toBe(EMPTY);
    }
    expect(table.deleteFirstAnonymous()).toBe(false);
    expect(table.size).toBe(26);
  });

  it("keeps a string that is larger than a chunk of memory", () => {
    const table = new MemoryTable();
    const text = "é".repeat(2 ** 20);
    put(table, "large", { text, expiresAt: 1, anonymous: false });
    put(table, "small", { text: "x", expiresAt: 2, anonymous: false });
    expect(got(table, "large")).toEqual({ text, expiresAt: 1 });
    put(table, "large", { text: "now small", expiresAt: 1, anonymous: false });
    expect(got(table, "large")?.text).toBe("now small");
    expect(got(table, "small")?.text).toBe("x");
  });

  it("does not find what only looks like a key", () => {
    const table = new MemoryTable();
    put(table, "abc", { text: "x", expiresAt: 1, anonymous: false });
    for (const other of ["", "ab", "abcd", "abé", "a".repeat(300)]) expect(table.slotOf(other)).toBe(EMPTY);
  });
});
