import { expect, it } from "vitest";
import { newToken } from "../../src/stores/parts/token.ts";

it("newToken uses every bit and repeats nothing in a million tokens (SEC-1)", () => {
  const count = 1_000_000;
  // Two sets, since one of two million texts is slow.
  const [selectors, verifiers] = [new Set<string>(), new Set<string>()];
  const ones = new Float64Array(((16 + 42) * 6) & ~7);
  for (let index = 0; index < count; index++) {
    const { selector, verifier } = newToken();
    selectors.add(selector);
    verifiers.add(verifier);
    const bytes = Buffer.from(selector + verifier.slice(0, 42), "base64url");
    for (let bit = 0; bit < ones.length; bit++) ones[bit]! += (bytes[bit >> 3]! >> (bit & 7)) & 1;
  }
  expect([selectors.size, verifiers.size]).toEqual([count, count]);
  // One per cent is twenty standard deviations of a fair coin.
  for (const bit of ones) expect(Math.abs(bit / count - 0.5)).toBeLessThan(0.01);
});
