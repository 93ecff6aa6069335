import { describe, expect, it } from "vitest";
import { VerifiedCache } from "./verified-cache.ts";

describe("VerifiedCache", () => {
  it("finds exactly the string it was given", () => {
    const cache = new VerifiedCache<string>(1000);
    cache.set("payload.time.signature", "value", 10);
    expect(cache.get("payload.time.signature")).toBe("value");
    expect(cache.get("Payload.time.signature")).toBeUndefined();
    expect(cache.get("payload.time.Signature")).toBeUndefined();
    expect(cache.get("signature")).toBeUndefined();
    expect(cache.get("")).toBeUndefined();
  });

  it("never holds more than its budget", () => {
    const cache = new VerifiedCache<number>(1000);
    for (let index = 0; index < 5000; index += 1) {
      cache.set(`p.t.${index}`, index, 1 + ((index * 7919) % 600));
      cache.get(`p.t.${(index * 31) % 5000}`);
      expect(cache.bytes).toBeLessThanOrEqual(1000);
    }
    expect(cache.bytes).toBeGreaterThan(0);
  });

  it("keeps entries in use while others are added and dropped", () => {
    const cache = new VerifiedCache<number>(1000);
    cache.set("p.t.kept", -1, 10);
    for (let index = 0; index < 5000; index += 1) {
      cache.set(`p.t.${index}`, index, 10);
      expect(cache.get("p.t.kept")).toBe(-1);
    }
  });

  it("forgets what is not asked for", () => {
    const cache = new VerifiedCache<number>(1000);
    cache.set("p.t.s", 1, 10);
    for (let index = 0; index < 200; index += 1) cache.set(`p.t.${index}`, index, 10);
    expect(cache.get("p.t.s")).toBeUndefined();
  });

  it("drops nothing for a string it does not know", () => {
    const cache = new VerifiedCache<number>(1000);
    cache.set("p.t.s", 1, 10);
    for (let index = 0; index < 5000; index += 1) cache.get(`p.t.${index}`);
    expect(cache.get("p.t.s")).toBe(1);
    expect(cache.bytes).toBe(10);
  });

  it("passes over what is too big to share the budget", () => {
    const cache = new VerifiedCache<number>(1000);
    cache.set("p.t.s", 1, 10);
    cache.set("p.t.big", 2, 501);
    expect(cache.get("p.t.big")).toBeUndefined();
    expect(cache.get("p.t.s")).toBe(1);
  });

  it("counts a string set again once", () => {
    const cache = new VerifiedCache<number>(1000);
    for (let index = 0; index < 5; index += 1) cache.set("p.t.s", index, 100);
    expect(cache.get("p.t.s")).toBe(4);
    expect(cache.bytes).toBe(100);
  });
});
