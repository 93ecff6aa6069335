import { UnserializableError } from "../errors.ts";
import { isInt } from "../json/python-text.ts";
import { isPlainObject } from "../json/values.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { Float } from "../json/values.ts";
import type { MsgpackSource } from "./msgpack-read.ts";

const MAX_DEPTH = 500;

const json = new TaggedJSONSerializer({ sortKeys: false });

/**
 * Encodes a value as MessagePack, in the shortest form for its type: ints stay ints, all other numbers are floats.
 *
 * @param at name of the value, the beginning of the path in errors
 * @param before the value it replaces: unchanged items keep their bytes, and keys keep their types
 * @throws UnserializableError for values that Python's encoder refuses as well
 */
export function writeMsgpack(value: unknown, at: string, before?: MsgpackSource): Buffer {
  const parts: Uint8Array[] = [];
  write(value, at, 0, parts, before);
  return Buffer.concat(parts);
}

/** The head of a map with `size` entries. */
export function mapHead(length: number): Buffer {
  return lengthHead(length, 0x80, 16, [0, 0xde, 0xdf]);
}

function write(
  value: unknown,
  path: string,
  depth: number,
  parts: Uint8Array[],
  before: MsgpackSource | undefined,
): void {
  if (depth > MAX_DEPTH) throw new UnserializableError(`Nested more than ${MAX_DEPTH} levels deep.`, path);
  if (before !== undefined && textOf(value) === textOf(before.value)) parts.push(before.raw);
  else if (value === null) parts.push(Buffer.of(0xc0));
  else if (typeof value === "boolean") parts.push(Buffer.of(value ? 0xc3 : 0xc2));
  else if (typeof value === "string") writeText(value, path, parts);
  else if (typeof value === "bigint") parts.push(bigInt(value, path));
  else if (typeof value === "number") parts.push(isInt(value) ? int(value) : float(value));
  else if (value instanceof Float) parts.push(float(value.value));
  else if (value instanceof Date) parts.push(timestamp(value));
  else if (value instanceof Uint8Array) writeBytes(value, parts);
  else if (Array.isArray(value)) {
    parts.push(lengthHead(value.length, 0x90, 16, [0, 0xdc, 0xdd]));
    const items = before?.items ?? [];
    // An item at another position is still the same item.
    const byText = new Map(items.map((item) => [textOf(item.value), item]));
    value.forEach((item, index) =>
      write(item, `${path}[${index}]`, depth + 1, parts, byText.get(textOf(item)) ?? items[index]),
    );
  } else if (isPlainObject(value)) {
    const entries = Object.entries(value);
    parts.push(mapHead(entries.length));
    for (const [key, item] of entries) {
      const member = before?.members?.get(key);
      if (member === undefined) writeText(key, path, parts);
      else parts.push(member.key);
      write(item, `${path}.${key}`, depth + 1, parts, member?.value);
    }
  } else throw new UnserializableError("MessagePack cannot encode this value.", path);
}

/** Whether two values are equal by their JSON, which ignores microseconds and unknown extensions. */
function textOf(value: unknown): string | undefined {
  try {
    return json.dumps(value);
  } catch (error) {
    if (error instanceof UnserializableError) return undefined;
    throw error;
  }
}

function writeText(text: string, path: string, parts: Uint8Array[]): void {
  if (/\p{Surrogate}/u.test(text))
    throw new UnserializableError("A string is not well-formed Unicode.", path);
  const bytes = Buffer.from(text);
  parts.push(lengthHead(bytes.length, 0xa0, 32, [0xd9, 0xda, 0xdb]), bytes);
}

function writeBytes(bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(lengthHead(bytes.length, 0, 0, [0xc4, 0xc5, 0xc6]), Buffer.from(bytes));
}

/** @param heads the heads for lengths of one, two and four bytes; 0 if a type has none */
function lengthHead(
  length: number,
  short: number,
  shortLimit: number,
  heads: readonly [number, number, number],
): Buffer {
  if (length < shortLimit) return Buffer.of(short | length);
  if (length < 0x100 && heads[0] !== 0) return Buffer.of(heads[0], length);
  return length < 0x10000 ? sized(heads[1], 2, length) : sized(heads[2], 4, length);
}

function int(value: number): Buffer {
  if (value >= 0) {
    if (value < 0x80) return Buffer.of(value);
    if (value < 0x100) return Buffer.of(0xcc, value);
    if (value < 0x10000) return sized(0xcd, 2, value);
    return value < 0x1_0000_0000 ? sized(0xce, 4, value) : bigInt(BigInt(value), "");
  }
  if (value >= -0x20) return Buffer.of(0x100 + value);
  if (value >= -0x80) return sized(0xd0, 1, 0x100 + value);
  if (value >= -0x8000) return sized(0xd1, 2, 0x10000 + value);
  return value >= -0x8000_0000 ? sized(0xd2, 4, 0x1_0000_0000 + value) : bigInt(BigInt(value), "");
}

function bigInt(value: bigint, path: string): Buffer {
  const bytes = Buffer.alloc(9);
  if (value >= 0n && value < 1n << 64n) {
    bytes[0] = 0xcf;
    bytes.writeBigUInt64BE(value, 1);
  } else if (value < 0n && value >= -(1n << 63n)) {
    bytes[0] = 0xd3;
    bytes.writeBigInt64BE(value, 1);
  } else throw new UnserializableError("An int has more than 64 bits.", path);
  return bytes;
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** The timestamp extension, type -1, in the shortest form. */
function timestamp(date: Date): Buffer {
  const seconds = Math.floor(date.getTime() / 1000);
  const nanoseconds = (date.getTime() - seconds * 1000) * 1e6;
  if (seconds >= 0 && seconds < 2 ** 34) {
    if (nanoseconds === 0 && seconds < 2 ** 32)
      return Buffer.concat([Buffer.of(0xd6, 0xff), uint32(seconds)]);
    const bytes = Buffer.alloc(10);
    bytes.writeUInt16BE(0xd7ff);
    bytes.writeBigUInt64BE((BigInt(nanoseconds) << 34n) | BigInt(seconds), 2);
    return bytes;
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(seconds));
  return Buffer.concat([Buffer.of(0xc7, 12, 0xff), uint32(nanoseconds), bytes]);
}

function sized(head: number, size: number, value: number): Buffer {
  const bytes = Buffer.alloc(1 + size);
  bytes[0] = head;
  bytes.writeUIntBE(value, 1, size);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
