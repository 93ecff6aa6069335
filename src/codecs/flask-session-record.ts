import { HipflaskError, UnserializableError } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import { isPlainObject } from "../json/values.ts";
import { quoteAscii } from "../json/python-text.ts";
import { checkKeys } from "../json/scan.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { Tags } from "../json/tags.ts";
import { Float, Markup, UUID } from "../json/values.ts";
import { Writer } from "../json/writer.ts";
import type { Decoded } from "./codec.ts";
import { plainFields } from "./django-data.ts";
import { readMsgpackMap, readMsgpackMember } from "./msgpack-read.ts";
import { mapHead, writeMsgpack } from "./msgpack-write.ts";
import { isPickle, type DecodedRecord, type RecordFormat } from "./record-format.ts";

/** `SESSION_SERIALIZATION_FORMAT`. */
export type FlaskSessionFormat = "msgpack" | "json";

const WRITING = { maxDepth: 500, maxKeys: 10_000, sortKeys: false, ascii: true };
const NO_TAGS = new Tags([]);
const json = new TaggedJSONSerializer(WRITING);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The records of Flask-Session 0.7 and later, as its `msgspec` writes them. When reading, the other format is tried as
 * well, as Flask-Session does; pickle, the former format, can run any code and is refused.
 *
 * Values that a request does not change are written back byte for byte.
 */
export function flaskSessionRecords(format: FlaskSessionFormat): RecordFormat<Buffer> {
  const readers = format === "msgpack" ? [readMsgpack, readJson] : [readJson, readMsgpack];
  return {
    decode(content) {
      if (isPickle(content)) return { ok: false, reason: "pickle" };
      return (
        attempt(readers[0]!, content) ?? attempt(readers[1]!, content) ?? { ok: false, reason: "undecodable" }
      );
    },
    encode: format === "msgpack" ? toMsgpack : toJson,
  };
}

function attempt(read: (content: Buffer) => DecodedRecord, content: Buffer): DecodedRecord | undefined {
  try {
    return read(content);
  } catch (error) {
    // TextDecoder throws a TypeError for invalid UTF-8.
    if (error instanceof HipflaskError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function readJson(content: Buffer): Decoded {
  return { ok: true, fields: plainFields(utf8.decode(content)) };
}

function readMsgpack(content: Buffer): DecodedRecord | never {
  const fields = new Map<string, string>();
  const raw = new Map<string, Uint8Array>();
  for (const { key, value, raw: bytes } of readMsgpackMap(content)) {
    fields.set(key, json.dumps(value, key));
    raw.set(key, bytes);
  }
  return { ok: true, fields, raw };
}

function toMsgpack(fields: Fields, before: DecodedRecord | undefined): Buffer {
  const parts: Uint8Array[] = [mapHead(fields.size)];
  for (const [key, text] of fields) {
    const raw = before?.ok === true ? before.raw?.get(key) : undefined;
    if (raw !== undefined && before?.ok === true && before.fields.get(key) === text) parts.push(raw);
    else {
      const member = raw && readMsgpackMember(raw);
      const value = plainValue(json.loads(text, WRAP), key, AS_IS);
      parts.push(member?.key ?? writeMsgpack(key, key), writeMsgpack(value, key, member?.value));
    }
  }
  return Buffer.concat(parts);
}

function toJson(fields: Fields): Buffer {
  const members = Array.from(fields, ([key, text]) => {
    const value = plainValue(json.loads(text, WRAP), key, AS_TEXT);
    return `${quoteAscii(key)}:${new Writer(NO_TAGS, WRITING, key).value(value)}`;
  });
  const text = `{${members.join()}}`;
  checkKeys(text, WRITING);
  return Buffer.from(text);
}

const WRAP = { floats: "wrap" } as const;

/** How to write values that only one of the formats supports. */
type Lowering = (value: object) => unknown;

const AS_IS: Lowering = (value) => value;
const AS_TEXT: Lowering = (value) => {
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return value instanceof Float && !Number.isFinite(value.value) ? null : value;
};

/** As msgspec encodes Python's types: tuples become lists, UUIDs become strings, and Markup is refused. */
function plainValue(value: unknown, path: string, lower: Lowering): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return lower(new Float(value));
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Markup) throw new UnserializableError("Flask-Session cannot store Markup.", path);
  if (value instanceof UUID) return String(value);
  if (Array.isArray(value)) {
    return Array.from(value as unknown[], (item, at) => plainValue(item, `${path}[${at}]`, lower));
  }
  if (!isPlainObject(value)) return lower(value);
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    plainValue(item, `${path}.${key}`, lower),
  ]);
  return Object.fromEntries(entries);
}
