import { describe, expect, it } from "vitest";
import { UnserializableError } from "../errors.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { float, Markup, tuple, UUID } from "../json/values.ts";
import { flaskSessionRecords } from "./flask-session-record.ts";

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const json = new TaggedJSONSerializer({ sortKeys: false });
const msgpack = flaskSessionRecords("msgpack");
const plain = flaskSessionRecords("json");

describe("flaskSessionRecords", () => {
  it("reads and writes the bytes of the specification", () => {
    const bytes = bytesOf("82 aa 5f7065726d616e656e74 c3 a1 61 01");
    const decoded = msgpack.decode(bytes);
    expect(decoded).toMatchObject({
      ok: true,
      fields: new Map([
        ["_permanent", "true"],
        ["a", "1"],
      ]),
    });
    expect(
      msgpack.encode(
        new Map([
          ["_permanent", "true"],
          ["a", "1"],
        ]),
        undefined,
      ),
    ).toEqual(bytes);
    expect(
      plain
        .encode(
          new Map([
            ["_permanent", "true"],
            ["a", "1"],
          ]),
          undefined,
        )
        .toString(),
    ).toBe('{"_permanent":true,"a":1}');
  });

  it("reads the format that was not configured as well", () => {
    const text = Buffer.from('{"a":1.0,"b":"çé 鍵","c":{" t":[1]}}');
    const fields = new Map([
      ["a", "1.0"],
      ["b", '"çé 鍵"'],
      ["c", '{" di":{" t__":[1]}}'],
    ]);
    expect(msgpack.decode(text)).toMatchObject({ ok: true, fields });
    expect(plain.decode(msgpack.encode(fields, undefined))).toMatchObject({
      ok: true,
      fields: new Map([...fields, ["b", json.dumps("çé 鍵")]]),
    });
  });

  it.each([2, 3, 4, 5])("never unpickles: protocol %i", (protocol) => {
    // pickle.dumps({"a": 1}, protocol), and something that runs code when it is loaded.
    const short = `80 0${protocol} 7d 71 00 5801000000 61 71 01 4b01 73 2e`;
    const framed = `80 0${protocol} 95 0a00000000000000 7d 94 8c01 61 94 4b01 73 2e`;
    const evil = `80 0${protocol} 63 706f7369780a73797374656d0a 58 04000000 6563686f 85 52 2e`;
    for (const hex of [protocol < 4 ? short : framed, evil]) {
      expect(msgpack.decode(bytesOf(hex))).toEqual({ ok: false, reason: "pickle" });
      expect(plain.decode(bytesOf(hex))).toEqual({ ok: false, reason: "pickle" });
    }
  });

  it.each([
    ["nothing", ""],
    ["a list", "93 01 02 03"],
    ["a JSON list", Buffer.from("[1]").toString("hex")],
    ["cut JSON", Buffer.from('{"a":').toString("hex")],
    ["no UTF-8", "ff fe"],
    ["what no protocol of pickle begins with", "80 01 7d 71 00"],
    ["what no protocol of pickle begins with yet", "80 06 7d 71 00"],
    ["a map with the second byte of a pickle", "81 02 7d 71 00"],
    ["a pickle of protocol 0", Buffer.from("(dp0\nVa\np1\nI1\ns.").toString("hex")],
    ["depth", `81 a161 ${"91".repeat(600)} c0`],
  ])("gives up on %s", (_, hex) => {
    expect(msgpack.decode(bytesOf(hex))).toEqual({ ok: false, reason: "undecodable" });
    expect(plain.decode(bytesOf(hex))).toEqual({ ok: false, reason: "undecodable" });
  });

  it("gives unchanged values back as they stood, and writes the others as msgspec does", () => {
    // A moment with microseconds, a short float, an extension nobody knows, an int as key.
    const raw = ["a161 d7ff 1d6f2800 65e07947", "a162 ca3fc00000", "a163 d405 2a", "a164 81 01 a178"];
    const before = msgpack.decode(bytesOf(`84 ${raw.join("")}`));
    expect(before.ok && [...before.fields]).toEqual([
      ["a", '{" d":"Thu, 29 Feb 2024 12:32:07 GMT"}'],
      ["b", "1.5"],
      ["c", "null"],
      ["d", '{"1":"x"}'],
    ]);
    if (!before.ok) return;
    const fields = new Map([...before.fields, ["b", "2.0"]]);
    expect(msgpack.encode(fields, before)).toEqual(
      bytesOf(`84 ${raw[0]} a162 cb4000000000000000 ${raw[2]} ${raw[3]}`),
    );
  });

  it("refuses more keys than it reads again as JSON", () => {
    const value = (count: number) =>
      json.dumps(Object.fromEntries(Array.from({ length: count }, (_, n) => [n, 0])));
    const most = new Map([
      ["a", value(6000)],
      ["b", value(3998)],
    ]);
    expect(plain.decode(plain.encode(most, undefined))).toMatchObject({ ok: true, fields: most });
    expect(() => plain.encode(new Map([...most, ["c", "1"]]), undefined)).toThrow(UnserializableError);
    const more = new Map([...most, ["c", "1"]]);
    expect(msgpack.decode(msgpack.encode(more, undefined))).toMatchObject({ ok: true, fields: more });
  });

  it("reads keys of any type, and changes beside them leave them and their values as they stood", () => {
    // {"d": {None: 1, 1: "a", "1": "b", True: 2, 1.5: 3, b"k": 4, (1, 2): 5, "deep": {2: [ext, {None: 6}]}}, 7: "x", None: "y"}
    const inner = [
      "c0 01",
      "01 a161",
      "a131 a162",
      "c3 02",
      "cb3ff8000000000000 03",
      "c4016b 04",
      "92 01 02 05",
      "a464656570 81 02 92 d4052a 81 c0 06",
    ];
    const rest = "07 a178 c0 a179";
    const before = msgpack.decode(bytesOf(`83 a164 88 ${inner.join("")} ${rest}`));
    if (!before.ok) throw new Error(before.reason);
    expect(Object.fromEntries([...before.fields].map(([key, text]) => [key, json.loads(text)]))).toEqual({
      d: {
        null: 1,
        "msgpack:AQ": "a",
        "1": "b",
        true: 2,
        "1.5": 3,
        "msgpack:xAFr": 4,
        "msgpack:kgEC": 5,
        deep: { "2": [null, { null: 6 }] },
      },
      "7": "x",
      null: "y",
    });
    // Untouched, byte for byte.
    const all = new Map([...before.fields, ["more", "1"]]);
    expect(msgpack.encode(all, before)).toEqual(
      bytesOf(`84 a164 88 ${inner.join("")} ${rest} a46d6f7265 01`),
    );
    // Changed inside: one value and one more key.
    const changed = json.loads(before.fields.get("d")!) as Record<string, unknown>;
    changed["null"] = 9;
    (changed["deep"] as Record<string, unknown[]>)["2"]!.unshift("first");
    changed["new"] = true;
    const fields = new Map([...before.fields, ["d", json.dumps(changed)], ["7", '"z"']]);
    const deep = "a464656570 81 02 93 a56669727374 d4052a 81 c0 06";
    // JavaScript puts keys that are whole numbers first.
    const order = [inner[2], "c0 09", inner[1], ...inner.slice(3, 7), deep, "a36e6577 c3"];
    expect(msgpack.encode(fields, before)).toEqual(bytesOf(`83 a164 89 ${order.join("")} 07 a17a c0 a179`));
    // A value that is replaced as a whole keeps the types of the keys it still has.
    const replaced = new Map([...before.fields, ["d", '{"null":1}']]);
    expect(msgpack.encode(replaced, before)).toEqual(bytesOf(`83 a164 81 c0 01 ${rest}`));
  });

  it("keeps a key apart from a string that looks like its name here", () => {
    const bytes = bytesOf("81 a164 83 01 a161 a131 a162 aa6d73677061636b3a4151 a163");
    const before = msgpack.decode(bytes);
    if (!before.ok) throw new Error(before.reason);
    expect(json.loads(before.fields.get("d")!)).toEqual({ "msgpack:AQ'": "a", "1": "b", "msgpack:AQ": "c" });
    expect(msgpack.encode(new Map(before.fields), before)).toEqual(bytes);
  });

  it("lets the last of several equal keys count, as Python does", () => {
    const decoded = msgpack.decode(bytesOf("82 a161 01 a161 02"));
    expect(decoded).toMatchObject({ ok: true, fields: new Map([["a", "2"]]) });
  });

  it("has a place for what Python's msgspec has one for", () => {
    const values = {
      tuple: tuple(1, float(2)),
      bytes: Buffer.from([0, 255]),
      uuid: new UUID("00112233445566778899aabbccddeeff"),
      date: new Date(Date.UTC(2024, 1, 29)),
      inf: Infinity,
    };
    const fields = json.fieldsOf(values);
    expect(plain.encode(fields, undefined).toString()).toBe(
      '{"tuple":[1,2.0],"bytes":"AP8=","uuid":"00112233-4455-6677-8899-aabbccddeeff","date":"2024-02-29T00:00:00Z","inf":null}',
    );
    const decoded = msgpack.decode(msgpack.encode(fields, undefined));
    expect(decoded.ok && Object.fromEntries(decoded.fields)).toEqual({
      tuple: "[1,2.0]",
      bytes: '{" b":"AP8="}',
      uuid: '"00112233-4455-6677-8899-aabbccddeeff"',
      date: '{" d":"Thu, 29 Feb 2024 00:00:00 GMT"}',
      inf: "Infinity",
    });
    for (const format of [msgpack, plain]) {
      const markup = json.fieldsOf({ html: new Markup("<b>") });
      expect(() => format.encode(markup, undefined)).toThrow(/Markup\. \(at html\)/);
    }
  });
});
