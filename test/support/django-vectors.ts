import { isDeepStrictEqual } from "node:util";
import { decodeBase62, encodeBase62 } from "../../src/codecs/django-data.ts";
import { djangoCodec, djangoSessionData } from "../../src/codecs/django.ts";
import type { Decoded } from "../../src/codecs/codec.ts";
import { Signer } from "../../src/itsdangerous/signer.ts";
import type { Fields } from "../../src/json/fields.ts";
import { TaggedJSONSerializer } from "../../src/json/tagged-json.ts";
import { Float } from "../../src/json/values.ts";
import { VectorChecks } from "./vector-report.ts";
import type { VectorReport } from "./vector-report.ts";
import { checkFields, oneOf } from "./vectors/check.ts";
import type { Raw } from "./vectors/check.ts";

/** A Python value: its type, and its value in a form JSON can hold. */
type Typed =
  | { readonly t: "dict"; readonly v: ReadonlyArray<readonly [string, Typed]> }
  | { readonly t: "list"; readonly v: readonly Typed[] }
  | { readonly t: "int" | "str"; readonly v: string }
  | { readonly t: "float"; readonly v: string; readonly bits: string }
  | { readonly t: "bool"; readonly v: boolean }
  | { readonly t: "null" };

interface Key {
  readonly hex: string;
}

/** A session text Django judged, from a file such as `vectors/django.json`, whose `doc` explains its fields. */
interface DjangoVector {
  readonly name: string;
  readonly kind: "cookie" | "db";
  readonly secret_key: Key;
  readonly fallback_keys: readonly Key[];
  readonly salt: string;
  readonly timestamp: number | null;
  readonly now: number;
  readonly max_age: number;
  readonly data: string;
  readonly json: string | null;
  readonly expected: string;
  readonly strict: "must" | "may-reject";
  readonly encode: "exact" | "json" | "none";
  readonly payload: Typed | null;
}

/** A request to a Django view, and what came back. */
interface DjangoRequest {
  readonly name: string;
  readonly engine: string;
  readonly secret_key: Key;
  readonly now: number;
  readonly config: { readonly SESSION_COOKIE_AGE?: number };
  readonly request_cookie: string | null;
  readonly ops: ReadonlyArray<readonly [op: string, ...args: unknown[]]>;
  readonly expect: { readonly set_cookie: readonly string[] };
}

interface DjangoFile {
  readonly session_data?: readonly DjangoVector[];
  readonly requests?: readonly DjangoRequest[];
  readonly blocks?: {
    readonly base62?: ReadonlyArray<{ readonly n: number; readonly text: string }>;
    readonly signing?: ReadonlyArray<{
      readonly secret_key: Key;
      readonly salt: string;
      readonly timestamp: number;
      readonly hmac_key_hex: string;
      readonly value: string;
      readonly signed: string;
    }>;
  };
}

/**
 * Checks `hipflask/codecs/django` against what real Django made and judged. Of `requests` it is the value of each cookie
 * that counts: attributes, headers and flags are those of Django's middleware, which is not in this library.
 */
export function checkDjangoVectors(file: unknown): VectorReport {
  const checks = new VectorChecks();
  checks.check("file", () => {
    checkFields(
      (file ?? {}) as Raw,
      ["session_data"],
      ["made_with", "profile", "seed", "doc", "requests", "blocks"],
    );
    checkFields(((file as DjangoFile).blocks ?? {}) as Raw, [], ["base62", "signing"]);
    return (file as DjangoFile).session_data?.length ? true : "holds no session data";
  });
  if (checks.failures.length > 0) return checks;
  const { session_data: vectors = [], requests = [], blocks = {} } = file as DjangoFile;
  for (const vector of vectors) {
    checks.check(`${vector.name}, decode`, () => checkDecode(vector));
    if (vector.encode !== "none") checks.check(`${vector.name}, encode`, () => checkEncode(vector));
  }
  for (const request of requests) checks.check(`request ${request.name}`, () => checkRequest(request));
  for (const { n, text } of blocks.base62 ?? []) {
    checks.check(
      `base62 ${n}`,
      () => (encodeBase62(n) === text && decodeBase62(text) === n) || encodeBase62(n),
    );
  }
  for (const block of blocks.signing ?? [])
    checks.check(`signing ${block.signed}`, () => checkSigning(block));
  return checks;
}

const json = new TaggedJSONSerializer({ sortKeys: false });
const bytes = (key: Key) => Buffer.from(key.hex, "hex");

function coderOf({ kind, secret_key, fallback_keys, salt, max_age }: DjangoVector) {
  const options = { secretKey: bytes(secret_key), secretKeyFallbacks: fallback_keys.map(bytes), salt };
  if (kind === "db") return djangoSessionData(options);
  const codec = djangoCodec(options);
  const place = { maxAge: max_age, cookieName: "sessionid" };
  return {
    decode: (text: string, now: number) => codec.decode(text, { ...place, now }),
    encode: (fields: Fields, now: number) => codec.encode(fields, { ...place, now }),
  };
}

function checkDecode(vector: DjangoVector): true | string {
  oneOf("kind", vector.kind, ["cookie", "db"]);
  oneOf("strictness", vector.strict, ["must", "may-reject"]);
  oneOf("verdict", vector.expected, ["valid", "expired", "bad_signature", "bad_payload", "bad_shape"]);
  const decoded: Decoded = coderOf(vector).decode(vector.data, Math.round(vector.now * 1000));
  if (!decoded.ok)
    return (
      decoded.reason === vector.expected || vector.strict === "may-reject" || `refused: ${decoded.reason}`
    );
  if (vector.expected !== "valid") return "accepted";
  const value = typedFields(decoded.fields);
  return isDeepStrictEqual(value, sorted(vector.payload!)) || `gave ${JSON.stringify(value)}`;
}

/** Written from the values as an application would set them, and again from the very fields that were read. */
function checkEncode(vector: DjangoVector): true | string {
  oneOf("way to encode", vector.encode, ["exact", "json"]);
  const coder = coderOf(vector);
  const made = coder.encode(fieldsOf(vector.payload!), vector.timestamp! * 1000);
  const decoded = coder.decode(vector.data, vector.timestamp! * 1000);
  if (!decoded.ok) return `refused: ${decoded.reason}`;
  const again = coder.encode(decoded.fields, vector.timestamp! * 1000);
  if (again !== made) return `two ways, two texts: ${made} and ${again}`;
  if (vector.encode === "exact") return made === vector.data || `wrote ${made}`;
  const readBack = coder.decode(made, vector.timestamp! * 1000);
  if (!readBack.ok) return `cannot read its own text: ${readBack.reason}`;
  const text = `{${Array.from(decoded.fields, ([key, member]) => `${json.dumps(key)}:${member}`).join()}}`;
  if (!text.includes('{" di"') && text !== vector.json) return `wrote ${text}`;
  return (
    isDeepStrictEqual(typedFields(readBack.fields), sorted(vector.payload!)) ||
    "its own text reads differently"
  );
}

/** What the view did to the data of the cookie it was sent, written at that moment, is the cookie it sent. */
function checkRequest({
  engine,
  secret_key,
  now,
  config,
  request_cookie,
  ops,
  expect,
}: DjangoRequest): true | string {
  oneOf("engine", engine, ["signed_cookies"]);
  const sent = expect.set_cookie.map((line) => line.slice(line.indexOf("=") + 1, line.indexOf(";")));
  const codec = djangoCodec({ secretKey: bytes(secret_key) });
  const { SESSION_COOKIE_AGE: maxAge = 1_209_600 } = config;
  const context = { now: now * 1000, maxAge, cookieName: "sessionid" };
  const received = request_cookie === null ? undefined : codec.decode(request_cookie, context);
  const fields = new Map(received?.ok ? received.fields : []);
  for (const op of ops) applyOp(fields, op);
  if (sent.length === 0 || sent[0] === '""') return true;
  const written = codec.encode(fields, context);
  return written === sent[0] || `wrote ${written}`;
}

function applyOp(fields: Map<string, string>, [op, key, value]: DjangoRequest["ops"][number]): void {
  switch (op) {
    case "set":
      fields.set(key as string, json.dumps(value));
      break;
    case "pop":
      fields.delete(key as string);
      break;
    case "clear":
    case "flush":
      fields.clear();
      break;
    case "set_test_cookie":
      fields.set("testcookie", '"worked"');
      break;
    case "set_expiry":
      fields.set("_session_expiry", json.dumps(key));
      break;
    default:
      oneOf("operation", op, ["get", "cycle_key"]);
  }
}

function checkSigning(
  block: NonNullable<NonNullable<DjangoFile["blocks"]>["signing"]>[number],
): true | string {
  const signer = new Signer(bytes(block.secret_key), {
    salt: block.salt,
    sep: ":",
    digest: "sha256",
    keyDerivation: "django-concat",
  });
  if (Buffer.from(signer.deriveKey()).toString("hex") !== block.hmac_key_hex) return "derived another key";
  const signed = signer.sign(`${block.value}:${encodeBase62(block.timestamp)}`);
  return signed === block.signed || `signed ${signed}`;
}

/** Fields with the tagged JSON of each value, in the vector's order down to the last key. */
function fieldsOf(payload: Typed): Fields {
  if (payload.t !== "dict") throw new TypeError("not a session");
  return new Map(payload.v.map(([key, value]) => [key, taggedText(value)]));
}

function taggedText(value: Typed): string {
  if (value.t === "list") return `[${value.v.map(taggedText).join()}]`;
  if (value.t !== "dict") return json.dumps(scalar(value));
  const members = value.v.map(([key, item]) => [key, taggedText(item)] as const);
  const only = members.length === 1 ? members[0]![0] : "";
  if (!/^ (?:di|t|b|m|u|d)$/.test(only))
    return `{${members.map(([key, text]) => `${json.dumps(key)}:${text}`).join()}}`;
  return `{" di":{${json.dumps(`${only}__`)}:${members[0]![1]}}}`;
}

function scalar(value: Exclude<Typed, { t: "dict" | "list" }>): unknown {
  if (value.t === "null") return null;
  if (value.t === "int") return BigInt(value.v);
  return value.t === "float" ? new Float(Number(value.v)) : value.v;
}

/** Decoded fields as typed values; keys of objects sorted, since JavaScript has an order of its own for some. */
function typedFields(fields: Fields): unknown {
  const value = Array.from(
    fields,
    ([key, text]) => [key, typed(json.loads(text, { floats: "wrap" }))] as const,
  );
  return { t: "dict", v: value.toSorted(byKey) };
}

function typed(value: unknown): unknown {
  if (value === null) return { t: "null" };
  if (Array.isArray(value)) return { t: "list", v: value.map(typed) };
  if (typeof value === "string") return { t: "str", v: value };
  if (typeof value === "boolean") return { t: "bool", v: value };
  if (typeof value === "bigint" || (Number.isSafeInteger(value) && !Object.is(value, -0)))
    return { t: "int", v: String(value) };
  if (typeof value === "number" || value instanceof Float) return { t: "float", bits: bitsOf(Number(value)) };
  const members = Object.entries(value as object).map(([key, item]) => [key, typed(item)] as const);
  return { t: "dict", v: members.toSorted(byKey) };
}

/** A vector's value in the same form. */
function sorted(value: Typed): unknown {
  switch (value.t) {
    case "dict":
      return { t: "dict", v: value.v.map(([key, item]) => [key, sorted(item)] as const).toSorted(byKey) };
    case "list":
      return { t: "list", v: value.v.map(sorted) };
    case "float":
      return { t: "float", bits: value.bits };
    case "null":
      return { t: "null" };
    default:
      return { t: value.t, v: value.v };
  }
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) =>
  a < b ? -1 : a > b ? 1 : 0;

function bitsOf(float: number): string {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleBE(float);
  return buffer.toString("hex");
}
