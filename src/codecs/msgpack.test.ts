import {
  assert,
  bigInt,
  date,
  dictionary,
  letrec,
  oneof,
  property,
  string,
  uint8Array,
  double,
  integer,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { BadPayload, UnserializableError } from "../errors.ts";
import { isInt } from "../json/python-text.ts";
import { Float } from "../json/values.ts";
import { readMsgpackMap } from "./msgpack-read.ts";
import { mapHead, writeMsgpack } from "./msgpack-write.ts";

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
/** The one value of a map whose key is "a". */
const read = (hex: string) => readMsgpackMap(bytesOf(`81 a161 ${hex}`))[0]!.value;
const write = (value: unknown) => writeMsgpack(value, "a").toString("hex");

/** Bytes as Python's msgspec writes them, and what they mean. */
const PAIRS: ReadonlyArray<readonly [hex: string, value: unknown]> = [
  ["c0", null],
  ["c2", false],
  ["c3", true],
  ["00", 0],
  ["7f", 127],
  ["cc80", 128],
  ["ccff", 255],
  ["cd0100", 256],
  ["cdffff", 65535],
  ["ce00010000", 65536],
  ["ceffffffff", 2 ** 32 - 1],
  ["cf0000000100000000", 2 ** 32],
  ["cf001fffffffffffff", Number.MAX_SAFE_INTEGER],
  ["cf0020000000000000", 2n ** 53n],
  ["cfffffffffffffffff", 2n ** 64n - 1n],
  ["ff", -1],
  ["e0", -32],
  ["d0df", -33],
  ["d080", -128],
  ["d1ff7f", -129],
  ["d18000", -32768],
  ["d2ffff7fff", -32769],
  ["d280000000", -(2 ** 31)],
  ["d3ffffffff7fffffff", -(2 ** 31) - 1],
  ["d38000000000000000", -(2n ** 63n)],
  ["cb3ff0000000000000", new Float(1)],
  ["cb8000000000000000", new Float(-0)],
  ["cb3fb999999999999a", new Float(0.1)],
  ["cb7ff0000000000000", new Float(Infinity)],
  ["a0", ""],
  ["a3e4b8ad", "中"],
  ["c403 00ff80", Uint8Array.of(0, 255, 128)],
  ["93 01 cb4000000000000000 91 c0", [1, new Float(2), [null]]],
  [
    "82 a178 01 a95f5f70726f746f5f5f 02",
    Object.fromEntries([
      ["x", 1],
      ["__proto__", 2],
    ]),
  ],
  ["d6ff 65e07947", new Date("2024-02-29T12:32:07Z")],
  ["d7ff 1d535300 65e07947", new Date("2024-02-29T12:32:07.123Z")],
  ["c70cff 00000000 ffffffffffffffff", new Date("1969-12-31T23:59:59Z")],
  ["d6ff 00000000", new Date(0)],
  ["d6ff ffffffff", new Date((2 ** 32 - 1) * 1000)],
  ["d7ff 00000001 00000000", new Date(2 ** 32 * 1000)],
  ["d7ff 00000003 ffffffff", new Date((2 ** 34 - 1) * 1000)],
  ["c70cff 00000000 0000000400000000", new Date(2 ** 34 * 1000)],
];

describe("MessagePack", () => {
  it.each(PAIRS)("%s is read and written", (hex, value) => {
    expect(read(hex)).toEqual(value);
    expect(write(value)).toBe(hex.replaceAll(" ", ""));
  });

  const list = (length: number) => Array.from({ length }, (_, at) => at);

  it.each<[what: string, of: (length: number) => unknown, lengths: Record<string, number>]>([
    [
      "strings",
      (length) => "a".repeat(length),
      { bf: 31, d920: 32, d9ff: 255, da0100: 256, daffff: 65_535, db00010000: 65_536 },
    ],
    [
      "bytes",
      (length) => new Uint8Array(length),
      { c400: 0, c4ff: 255, c50100: 256, c5ffff: 65_535, c600010000: 65_536 },
    ],
    ["lists", list, { "9f": 15, dc0010: 16, dc0100: 256 }],
    [
      "maps",
      (length) => Object.fromEntries(list(length).map((at) => [`k${at}`, at])),
      { "8f": 15, de0010: 16, de0100: 256 },
    ],
  ])("has heads for the lengths of %s", (_, of, lengths) => {
    for (const [head, length] of Object.entries(lengths)) {
      const hex = write(of(length));
      expect(hex.slice(0, head.length)).toBe(head);
      expect(read(hex)).toEqual(of(length));
    }
  });

  it("has heads for maps of up to 15, of more, and of more than 65 535 entries", () => {
    const heads = [15, 16, 65_535, 65_536].map((size) => mapHead(size).toString("hex"));
    expect(heads).toEqual(["8f", "de0010", "deffff", "df00010000"]);
  });

  it("is read in forms that are longer than need be, as other writers leave them", () => {
    expect([
      read("cd0001"),
      read("ce00000001"),
      read("cf0000000000000001"),
      read("d301ffffffffffffff"),
    ]).toEqual([1, 1, 1, 0x01ff_ffff_ffff_ffffn]);
    expect(read("ca3fc00000")).toEqual(new Float(1.5));
    expect([read("d90161"), read("da000161"), read("db0000000161")]).toEqual(["a", "a", "a"]);
    expect([read("dc0001c0"), read("dd00000001c0")]).toEqual([[null], [null]]);
    expect([read("de0001a161c0"), read("df00000001a161c0")]).toEqual([{ a: null }, { a: null }]);
    expect([read("c5000101"), read("c60000000101")]).toEqual([Uint8Array.of(1), Uint8Array.of(1)]);
    expect([read("d405 00"), read("c70305 000000"), read(`d805 ${"00".repeat(16)}`)]).toEqual([
      null,
      null,
      null,
    ]);
    expect(read("c90000000105 00")).toBeNull();
    expect(read("82 01 a178 cb3ff8000000000000 a179")).toEqual({ 1: "x", 1.5: "y" });
  });

  it("keeps every key and value that is not changed as it was", () => {
    const bytes = bytesOf("82 a161 cd0001 a162 d405 00");
    expect(readMsgpackMap(bytes).map(({ raw }) => Buffer.from(raw).toString("hex"))).toEqual([
      "a161cd0001",
      "a162d40500",
    ]);
  });

  it.each([
    ["nothing", ""],
    ["no map", "93 01 02 03"],
    ["more than one value", "80 80"],
    ["a cut number", "81 a161 cd00"],
    ["a cut text", "81 a161 a5 6162"],
    ["a missing value", "81 a161"],
    ["a length that is a lie", "81 a161 ddffffffff"],
    ["bytes that are a lie", "81 a161 c6ffffffff 00"],
    ["the head that is never used", "81 a161 c1"],
    ["a string that is not UTF-8", "81 a161 a1ff"],
    ["a timestamp of another size", "81 a161 d5ff 0000"],
    ["a timestamp beyond all calendars", "81 a161 c70cff 00000000 7fffffffffffffff"],
    ["depth without end", `81 a161 ${"91".repeat(5000)} c0`],
  ])("refuses %s", (_, hex) => {
    expect(() => readMsgpackMap(bytesOf(hex))).toThrow(BadPayload);
  });

  it("makes no room for what a length claims and is not there", () => {
    // Arrays in arrays, each of which claims all the bytes behind it: 4 GiB of room, if it were made.
    const bytes = Buffer.alloc(1 << 20, 0xc0);
    bytes.set([0x81, 0xa1, 0x61]);
    for (let level = 0, at = 3; level < 499; level++, at += 5) {
      bytes[at] = 0xdd;
      bytes.writeUInt32BE(bytes.length - at - 5, at + 1);
    }
    const heap = process.memoryUsage().heapUsed;
    expect(() => readMsgpackMap(bytes)).toThrow(BadPayload);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(128 << 20);
  });

  it("refuses to write what has no place in it", () => {
    for (const value of [2n ** 64n, -(2n ** 63n) - 1n, "\ud800", { "\ud800": 1 }, new Map(), undefined]) {
      expect(() => write(value)).toThrow(UnserializableError);
    }
    let deep: unknown = 1;
    for (let level = 0; level < 600; level++) deep = [deep];
    expect(() => write(deep)).toThrow(/deep/);
    expect(() => writeMsgpack({ b: [2n ** 64n] }, "cart")).toThrow(
      expect.objectContaining({ path: "cart.b[0]" }) as Error,
    );
  });

  it("reads back whatever it wrote", () => {
    const { value } = letrec((tie) => ({
      value: oneof(
        { depthSize: "small" },
        integer(),
        bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map((int) =>
          isInt(Number(int)) ? Number(int) : int,
        ),
        double().map((float) => new Float(float)),
        string({ unit: "grapheme" }),
        uint8Array(),
        date({ noInvalidDate: true }),
        dictionary(string({ unit: "grapheme" }), tie("value"), { noNullPrototype: true }),
        dictionary(string(), tie("value"), { noNullPrototype: true, maxKeys: 40 }).map(Object.values),
      ),
    }));
    assert(
      property(value, (given) => {
        const bytes = Buffer.concat([mapHead(1), writeMsgpack("key", ""), writeMsgpack(given, "")]);
        expect(readMsgpackMap(bytes)).toEqual([expect.objectContaining({ key: "key", value: given })]);
      }),
      { numRuns: 500 },
    );
  });

  it("never does anything but refuse, whatever the bytes", () => {
    assert(
      property(uint8Array({ maxLength: 60 }), (bytes) => {
        const outcome = outcomeOf(() => readMsgpackMap(Buffer.concat([Buffer.of(0x81, 0xa1, 0x61), bytes])));
        return Array.isArray(outcome) || outcome instanceof BadPayload;
      }),
      { numRuns: 2000 },
    );
  });
});

function outcomeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
