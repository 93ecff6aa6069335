import { describe, expect, it } from "vitest";
import { readFlaskVectors } from "../../test/flask-vectors.ts";
import { decodeTimestamp, encodeTimestamp } from "./timestamp.ts";

const { timestamps } = readFlaskVectors().blocks;

describe("encodeTimestamp", () => {
  it("writes what Flask writes", () => {
    for (const { seconds, segment } of timestamps) expect(encodeTimestamp(seconds)).toBe(segment);
  });
});

describe("decodeTimestamp", () => {
  it("reads what Flask writes", () => {
    for (const { seconds, segment } of timestamps) expect(decodeTimestamp(segment)).toBe(seconds);
  });

  it("allows leading zero bytes up to eight bytes", () => {
    expect(decodeTimestamp("AAAAAAAAAAE")).toBe(1);
    expect(decodeTimestamp("AAAAAAAAAAAB")).toBeUndefined();
  });

  it("reads the largest number without failing", () => {
    expect(decodeTimestamp("__________8")).toBe(2 ** 64);
  });

  it.each(["a", "YoogkA==", "!!!!", "Yo kA", "é"])("refuses %j", (text) => {
    expect(decodeTimestamp(text)).toBeUndefined();
  });
});
