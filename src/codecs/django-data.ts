import { decodeBase64url } from "../itsdangerous/encoding.ts";
import { BadPayload, BadShape } from "../errors.ts";
import { packPayload } from "../itsdangerous/encoding.ts";
import { zlib } from "../itsdangerous/encoding.ts";
import { quoteAscii } from "../json/python-text.ts";
import type { Fields } from "../json/fields.ts";
import { inheritFloats } from "../json/float-slots.ts";
import { parse } from "../json/parse.ts";
import { isPlainObject } from "../json/values.ts";
import { checkKeys, scan, scanFields, TAGS } from "../json/scan.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { Tags } from "../json/tags.ts";
import { Writer } from "../json/writer.ts";
import { isPickle } from "./record-format.ts";

const LIMITS = { maxDepth: 500, maxKeys: 10_000 };
const WRITING = { ...LIMITS, sortKeys: false, ascii: true };
const NO_TAGS = new Tags([]);
const BEYOND_ASCII = /[\x7f-\uffff]/g;

const tagged = new TaggedJSONSerializer(WRITING);

/**
 * Encodes the payload, which precedes time and signature: JSON as Django writes it, compressed if that is shorter and
 * inflates to at most `maxInflatedSize` bytes.
 *
 * Django's JSON has no tags: tuples become lists, as in Django.
 *
 * @throws UnserializableError for bytes, dates and everything else for which Django's serializer raises TypeError
 */
export function packDjangoData(fields: Fields, maxInflatedSize: number): string {
  const members = Array.from(fields, ([key, text]) => `${quoteAscii(key)}:${withoutTags(key, text)}`);
  const text = `{${members.join()}}`;
  checkKeys(text, LIMITS);
  return packPayload(text, 0, maxInflatedSize);
}

/**
 * Decodes a payload; `undefined` for one of the `PickleSerializer`, which Django had before version 5.
 *
 * @throws BadPayload if Django could not decode it either, or if it inflates to more than `maxInflatedSize` bytes
 * @throws BadShape if it is not a mapping
 */
export function unpackDjangoData(payload: string, maxInflatedSize: number): Fields | undefined {
  const compressed = payload.startsWith(".");
  const bytes = decodeBase64url(compressed ? payload.slice(1) : payload);
  if (bytes === undefined) throw new BadPayload("The payload is not base64url.");
  const content = compressed ? inflate(bytes, maxInflatedSize) : bytes;
  if (isPickle(content)) return undefined;
  // Django decodes as Latin-1, but writes only ASCII.
  return plainFields(content.toString("latin1"));
}

/**
 * The fields of JSON without tags: an object that looks like a tag is escaped.
 *
 * @throws BadPayload
 * @throws BadShape if it is not a mapping
 */
export function plainFields(text: string): Fields {
  const scanned = scanFields(text, LIMITS);
  if (typeof scanned === "number") throw new BadShape("The payload is not an object.");
  const { fields, tagged: suspects = [] } = scanned;
  for (const key of suspects) fields.set(key, tagged.dumps(parse(fields.get(key)!, "number")));
  return fields;
}

function inflate(bytes: Buffer, maxOutputLength: number): Buffer {
  try {
    return zlib().inflateSync(bytes, { maxOutputLength });
  } catch (cause) {
    throw new BadPayload(`The payload cannot be decompressed within ${maxOutputLength} bytes.`, { cause });
  }
}

/** Converts a value's tagged JSON to plain JSON. Without tags, only non-ASCII characters change. */
function withoutTags(key: string, text: string): string {
  if (scan(text, LIMITS) & TAGS) {
    return new Writer(NO_TAGS, WRITING, key).value(withoutTuples(tagged.loads(text)));
  }
  return text.replace(BEYOND_ASCII, (unit) => quoteAscii(unit).slice(1, -1));
}

function withoutTuples(value: unknown): unknown {
  if (Array.isArray(value)) return copyOf(value, Array.from(value as unknown[], withoutTuples));
  if (!isPlainObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, withoutTuples(item)] as const);
  return copyOf(value, Object.fromEntries(entries));
}

/** A copy that remembers which of its numbers are floats. */
function copyOf<T extends object>(original: object, copy: T): T {
  inheritFloats(original, copy);
  return copy;
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Encodes whole seconds like Django's `b62_encode`. */
export function encodeBase62(seconds: number): string {
  let rest = Math.abs(seconds);
  let text = "";
  do {
    text = DIGITS[rest % 62]! + text;
    rest = Math.floor(rest / 62);
  } while (rest > 0);
  return seconds < 0 ? `-${text}` : text;
}

/** Decodes seconds like Django's `b62_decode`, where a single "-" is 0; `undefined` if the string is invalid. */
export function decodeBase62(text: string): number | undefined {
  if (!/^(?:-[0-9A-Za-z]*|[0-9A-Za-z]+)$/.test(text)) return undefined;
  const negative = text.startsWith("-");
  let seconds = 0;
  for (const digit of negative ? text.slice(1) : text) seconds = seconds * 62 + DIGITS.indexOf(digit);
  return negative ? -seconds : seconds;
}
