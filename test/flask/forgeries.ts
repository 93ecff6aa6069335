import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { Signer } from "hipflask/itsdangerous";
import type { Random } from "./random.ts";

/** The owner of the key can sign anything: malformed, unusual and lenient payloads, with any timestamp. */
export interface Forger {
  readonly signer: Signer;
  /** Epoch seconds. */
  readonly now: number;
  /** Seconds. */
  readonly maxAge: number;
}

const base64url = (bytes: string | Uint8Array) => Buffer.from(bytes).toString("base64url");

function timestamp(seconds: number): string {
  const hex = seconds.toString(16);
  return base64url(Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex"));
}

/** A cookie with a right signature over whatever the payload is. */
export function forge(forger: Forger, payload: string, time: string = timestamp(forger.now)): string {
  return forger.signer.sign(`${payload}.${time}`);
}

type Forgery = (random: Random, forger: Forger, json: string) => string;

/** Ways to break what is inside a signature, given JSON that Flask could have written. */
export const FORGERIES: Readonly<Record<string, Forgery>> = {
  "signed: other text": (random, forger, json) => forge(forger, base64url(spoilText(random, json))),
  "signed: text around it": (random, forger, json) => forge(forger, base64url(surround(random, json))),
  "signed: other bytes": (random, forger, json) =>
    forge(forger, base64url(spoilBytes(random, Buffer.from(json)))),
  "signed: strange JSON": (random, forger) => forge(forger, base64url(strangeJson(random))),
  "signed: strange tags": (random, forger) => forge(forger, base64url(`{"v":${taggedJson(random, 3)}}`)),
  "signed: strange tags at the top": (random, forger) => forge(forger, base64url(taggedJson(random, 3))),
  "signed: lax base64": (random, forger, json) => forge(forger, laxBase64(random, base64url(json))),
  "signed: strange time": (random, forger, json) =>
    forge(forger, base64url(json), strangeTime(random, forger)),
  "signed: compressed": (random, forger, json) => forge(forger, `.${base64url(strangeZlib(random, json))}`),
  "signed: dots": (random, forger, json) =>
    forge(
      forger,
      random.pick([
        "",
        ".",
        "..",
        "...",
        `..${base64url(json)}`,
        `${base64url(json)}.`,
        `.${base64url(json)}`,
      ]),
    ),
};

function spoilText(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const tokens = [
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\n",
    "\0",
    "0",
    "-",
    ".",
    "e",
    "NaN",
    "null",
    "\\u00",
    "é",
    "\u{1F600}",
    "\uFEFF",
  ];
  const cut = random.below(3);
  return text.slice(0, at) + (random.below(3) === 0 ? "" : random.pick(tokens)) + text.slice(at + cut);
}

function surround(random: Random, text: string): string {
  const around = random.pick(["\uFEFF", " ", "\t\r\n", "\0", "\u00a0", "\u2028", "\f", "{}", ",", "//"]);
  return random.below(2) === 0 ? around + text : text + around;
}

function spoilBytes(random: Random, bytes: Buffer): Buffer {
  const spoilt = Buffer.from(bytes);
  for (let times = 1 + random.below(3); times > 0; times--)
    spoilt[random.below(spoilt.length)] = random.below(256);
  return spoilt;
}

/** Written bar by bar, since quotes are what this is about. */
const words = (text: string) => text.split("|");

const SCALARS = [
  ...words("null|true|false|NaN|Infinity|-Infinity|nan|None|0|-0|-0.0|1.0|1e5|1E+5|1e400|-1e-400|'a'"),
  ...words(
    "01|+1|1.|.5|0x1|1_000|9007199254740993|123456789012345678901234567890|1.7976931348623157e308|5e-324",
  ),
  ...words(String.raw`""|"a"|"\ud800"|"\ud83d\ude00"|"\uDE00"|"\x"|"\/"|"\u00E9"|"\u000"|"\"|"\\"|"é"`),
  ...words('"\t"|"\u007f"|"\u2028"|"\u0000"|"\u{1F600}"'),
];

const SPACES = ["", "", "", " ", "\n", "\t", "\r\n", "\u00a0", "\f"];

function strangeJson(random: Random): string {
  const space = () => random.pick(SPACES);
  const keys = ["a", "a", "b", "__proto__", "", "\\u0061", "10", "9"];
  const entries = Array.from({ length: random.below(4) }, () => {
    const value = random.below(5) === 0 ? strangeJson(random) : random.pick(SCALARS);
    return `${space()}"${random.pick(keys)}"${space()}:${space()}${value}${space()}`;
  });
  if (random.below(12) === 0) entries.push("");
  const object = `${space()}{${entries.join(",")}}${space()}`;
  if (random.below(6) > 0) return object;
  const scalar = random.pick(SCALARS);
  return random.pick([
    `[${object}]`,
    `[${scalar}]`,
    scalar,
    `[["a",${scalar}]]`,
    '["ab","cd"]',
    "[]",
    `${object}${scalar}`,
    "",
  ]);
}

const TAGS = [" t", " b", " m", " u", " d", " di", " x", "t", " t__", "  t"];
const TAG_VALUES = [
  ...words('"YQ=="|"YQ"|"Y!Q=="|"YWI="|"_-8="|"+/8="|"YQ==YQ=="|"é"|"Y"|"=YQ"|" YQ = = "|"YQ==\\n"|""'),
  ...words('"00000000000000000000000000000001"|"{0000-0000000000000000000000000001}"|"123"'),
  ...words('"urn:uuid:00000000-0000-0000-0000-00000000000F"|"0000000000000000000000000000000g"'),
  ...words(
    '"0x000000000000000000000000000001"|"00000000_0000000000000000000000001"|"+0000000000000000000000000000001"',
  ),
  ...words('"Sun, 06 Nov 1994 08:49:37 GMT"|"sunday, 06-nov-94 08:49:37 gmt"|"Sun Nov  6 08:49:37 1994"'),
  ...words(
    '"06 Nov 1994 08:49"|"Sun, 06 Nov 1994 08:49:37 +0530"|"Sun, 06 Nov 1994 08:49:37 EST"|"1994-11-06"',
  ),
  ...words('"Sun, 31 Feb 1994 08:49:37 GMT"|"Mon, 01 Jan 0001 00:00:00 GMT"|"Sun, 06 Nov 1994 24:00:00 GMT"'),
  ...words('"Sun, 6 Nov 994 08:49:37 -9999"|"Sun, 06 Nov 1994 08.49.37 GMT"|"Sun, 06 Nov 99999 08:49:37"'),
  ...words(
    String.raw`{}|[]|[1,2.0]|{"x":1}|{"x__":1.0}|{" t__":[1]}|{"a":1,"b":2}|{"é":1}|{"\ud83d\ude00":1}`,
  ),
];

function taggedJson(random: Random, depth: number): string {
  const inner = () => (depth === 0 ? random.pick(SCALARS.slice(0, 12)) : taggedJson(random, depth - 1));
  switch (random.below(6)) {
    case 0:
      return random.pick(SCALARS);
    case 1:
      return `[${inner()},${inner()}]`;
    case 2:
      return `{"a":${inner()},"${random.pick(TAGS)}":${inner()}}`;
    case 3:
      return `{"${random.pick(TAGS)}":${inner()}}`;
    default:
      return `{"${random.pick(TAGS)}":${random.pick(random.below(3) === 0 ? SCALARS : TAG_VALUES)}}`;
  }
}

function laxBase64(random: Random, text: string): string {
  const at = random.below(text.length);
  const last = random.pick([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]);
  return random.pick([
    `${text}=`,
    `${text}==`,
    `${text}====`,
    `${text}=AAAA`,
    `${text.slice(0, at)}!${text.slice(at)}`,
    `${text.slice(0, at)} ${text.slice(at)}`,
    `${text.slice(0, at)}====${text.slice(at)}`,
    text.slice(0, -1) + last,
    text.slice(0, -1),
    text + last,
    text.replaceAll("-", "+").replaceAll("_", "/"),
  ]);
}

function strangeTime(random: Random, { now, maxAge }: Forger): string {
  const exact = [
    now,
    now + 1,
    now - maxAge,
    now - maxAge - 1,
    now + 86_400,
    0,
    1,
    2 ** 31,
    2 ** 32,
    253_402_300_800,
  ];
  const texts = [
    "",
    "A",
    "!!!!",
    "AAAAAAAAAAAA",
    "_".repeat(11),
    "_".repeat(12),
    "=",
    "AA==",
    "1690000000",
    "zzzzzz",
  ];
  const long = base64url(
    Buffer.concat([Buffer.alloc(random.below(6)), Buffer.from(timestamp(now), "base64url")]),
  );
  const canonical = timestamp(now);
  const lax = [`${canonical}==`, `${canonical.slice(0, -1)}_`, `${canonical}!`, ` ${canonical}`];
  return random.pick([timestamp(random.pick(exact)), random.pick(texts), long, random.pick(lax)]);
}

function strangeZlib(random: Random, json: string): Uint8Array {
  const zipped = deflateSync(json, { level: random.below(10), windowBits: 9 + random.below(7) });
  switch (random.below(9)) {
    case 0:
      return deflateRawSync(json);
    case 1:
      return gzipSync(json);
    case 2:
      return zipped.subarray(0, random.below(zipped.length));
    case 3:
      return Buffer.concat([zipped, Buffer.from(random.pick(["x", "\0\0", json]))]);
    case 4:
      return Buffer.concat([zipped, zipped]);
    case 5:
      return deflateSync(json, { dictionary: Buffer.from("session") });
    case 6:
      return Buffer.from(json);
    case 7:
      return spoilBytes(random, zipped);
    default:
      return zipped;
  }
}
