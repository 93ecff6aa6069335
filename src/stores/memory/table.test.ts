import { describe, expect, it } from "vitest";
import { seededRandom } from "../../testing/store-kit/kit.ts";
import { MemoryTable } from "./table.ts";

describe("MemoryTable", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);

  it(`agrees with a Map through random sets and deletes (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const table = new MemoryTable();
    const map = new Map<string, { text: string; expiresAt: number }>();
    for (let round = 0; round < 30_000; round++) {
      // Half of the time few selectors, so that sets replace and deletes hit; then many, so that the table grows.
      const selector = `s${Math.floor(random() * (round < 15_000 ? 200 : 6000))}`;
      if (random() < 0.3) {
        table.delete(selector);
        map.delete(selector);
      } else {
        const text = (random() < 0.1 ? "é🍶" : "x").repeat(Math.floor(random() * 200));
        const expiresAt = Math.floor(random() * 1e6);
        table.set(selector, text, expiresAt);
        map.set(selector, { text, expiresAt });
      }
      expect(table.size).toBe(map.size);
    }
    let bytes = 0;
    for (const [selector, entry] of map) {
      expect(table.get(selector)).toEqual(entry);
      bytes += Buffer.byteLength(entry.text);
    }
    expect(table.bytes).toBe(bytes);

    const order: number[] = [];
    for (let next = table.next; next; next = table.next) {
      expect(map.get(next.selector)?.expiresAt).toBe(next.expiresAt);
      order.push(next.expiresAt);
      table.delete(next.selector);
    }
    expect(order).toEqual([...map.values()].map((entry) => entry.expiresAt).sort((a, b) => a - b));
    expect([table.size, table.bytes]).toEqual([0, 0]);
  });

  it("keeps a text that is larger than a chunk of memory", () => {
    const table = new MemoryTable();
    const text = "é".repeat(2 ** 20);
    table.set("large", text, 1);
    table.set("small", "x", 2);
    expect(table.get("large")).toEqual({ text, expiresAt: 1 });
    table.set("large", "now small", 1);
    expect(table.get("large")?.text).toBe("now small");
    expect(table.get("small")?.text).toBe("x");
  });

  it("does not find what only looks like a selector", () => {
    const table = new MemoryTable();
    table.set("abc", "x", 1);
    for (const other of ["", "ab", "abcd", "abé", "a".repeat(300)]) expect(table.get(other)).toBeUndefined();
  });
});
