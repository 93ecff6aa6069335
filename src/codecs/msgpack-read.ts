import { BadPayload } from "../errors.ts";
import { formatFloat } from "../json/python-text.ts";
import { Float } from "../json/values.ts";

/** One entry of a map: its key as a string, its value, and the position of both in the bytes. */
export interface MsgpackEntry {
  readonly key: string;
  readonly value: unknown;
  /** The bytes of key and value. */
  readonly raw: Uint8Array;
}

/** A value and the bytes of all its items, so that unchanged items keep theirs. */
export interface MsgpackSource {
  readonly value: unknown;
  readonly raw: Uint8Array;
  readonly items?: readonly MsgpackSource[];
  readonly members?: ReadonlyMap<string, MsgpackMember>;
}

/** An entry of a map, with the bytes of its key. */
export interface MsgpackMember {
  readonly key: Uint8Array;
  readonly value: MsgpackSource;
}

const MAX_DEPTH = 500;
/** The timestamp extension. */
const TIMESTAMP = -1;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes a MessagePack map as Python does: ints are numbers (`bigint` beyond the safe integers), integral floats are
 * `Float`s, bytes are bytes, timestamps are dates. Unknown extensions are null.
 *
 * Existing libraries return `1` for both int 1 and float 1.0, which Python distinguishes.
 *
 * @throws BadPayload for anything except exactly one complete map within the limits
 */
export function readMsgpackMap(bytes: Uint8Array): MsgpackEntry[] {
  const reader = new Reader(bytes);
  const entries = reader.entries();
  if (!reader.isAtEnd) throw new BadPayload("There is more than one value.");
  return entries;
}

/** Decodes the bytes of an entry again, with the bytes of every item. */
export function readMsgpackMember(raw: Uint8Array): MsgpackMember {
  const reader = new Reader(raw);
  const key = reader.source().raw;
  return { key, value: reader.source() };
}

/** A decoded entry whose key is not yet a string. */
interface RawEntry<Value> {
  readonly key: unknown;
  readonly keyRaw: Uint8Array;
  readonly value: Value;
  readonly raw: Uint8Array;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  entries(): MsgpackEntry[] {
    const length = this.#mapLength(this.#uint(1));
    if (length === undefined) throw new BadPayload("The payload is not a map.");
    const entries = named(this.#map(length, () => this.#value()));
    return Array.from(entries, ([key, { value, raw }]) => ({ key, value, raw }));
  }

  source(): MsgpackSource {
    const start = this.#at;
    const head = this.#uint(1);
    const raw = () => this.#bytes.subarray(start, this.#at);
    const itemCount = this.#arrayLength(head);
    if (itemCount !== undefined) {
      const items = this.#nested(itemCount, () => this.source());
      return { value: items.map(({ value }) => value), raw: raw(), items };
    }
    const memberCount = this.#mapLength(head);
    if (memberCount === undefined) return { value: this.#scalar(head), raw: raw() };
    const entries = named(this.#map(memberCount, () => this.source()));
    const members = new Map(Array.from(entries, ([name, { keyRaw: key, value }]) => [name, { key, value }]));
    const value = Object.fromEntries(Array.from(members, ([name, member]) => [name, member.value.value]));
    return { value, raw: raw(), members };
  }

  #value(): unknown {
    const head = this.#uint(1);
    const itemCount = this.#arrayLength(head);
    if (itemCount !== undefined) return this.#nested(itemCount, () => this.#value());
    const memberCount = this.#mapLength(head);
    if (memberCount === undefined) return this.#scalar(head);
    const entries = named(this.#map(memberCount, () => this.#value()));
    // Defined, not assigned: a key called __proto__ is data like any other.
    return Object.fromEntries(Array.from(entries, ([key, { value }]) => [key, value]));
  }

  #arrayLength(head: number): number | undefined {
    if ((head & 0xf0) === 0x90) return head & 0x0f;
    return head === 0xdc || head === 0xdd ? this.#uint(head === 0xdc ? 2 : 4) : undefined;
  }

  #mapLength(head: number): number | undefined {
    if ((head & 0xf0) === 0x80) return head & 0x0f;
    return head === 0xde || head === 0xdf ? this.#uint(head === 0xde ? 2 : 4) : undefined;
  }

  #scalar(head: number): unknown {
    if (head < 0x80) return head;
    if (head < 0xc0) return this.#text(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    if (head >= 0xc4 && head <= 0xc6) return Uint8Array.from(this.#take(this.#uint(2 ** (head - 0xc4))));
    if (head >= 0xc7 && head <= 0xc9) return this.#extension(this.#uint(2 ** (head - 0xc7)));
    if (head >= 0xcc && head <= 0xcf) return this.#int(2 ** (head - 0xcc), false);
    if (head >= 0xd0 && head <= 0xd3) return this.#int(2 ** (head - 0xd0), true);
    if (head >= 0xd4 && head <= 0xd8) return this.#extension(2 ** (head - 0xd4));
    if (head >= 0xd9 && head <= 0xdb) return this.#text(this.#uint(2 ** (head - 0xd9)));
    if (head === 0xca) return new Float(this.#take(4).readFloatBE());
    if (head === 0xcb) return new Float(this.#take(8).readDoubleBE());
    if (head === 0xc0) return null;
    if (head === 0xc1) throw new BadPayload("0xc1 is never used.");
    return head === 0xc3;
  }

  #map<Value>(length: number, read: () => Value): RawEntry<Value>[] {
    return this.#nested(length, () => {
      const start = this.#at;
      const key = this.#value();
      const keyRaw = this.#bytes.subarray(start, this.#at);
      const value = read();
      return { key, keyRaw, value, raw: this.#bytes.subarray(start, this.#at) };
    });
  }

  /** Memory is allocated for items that exist, not for a claimed length, which may be forged at every level. */
  #nested<Item>(length: number, next: () => Item): Item[] {
    if (length > this.#bytes.length - this.#at) throw new BadPayload("A length exceeds the payload.");
    if (++this.#depth > MAX_DEPTH) throw new BadPayload(`It is nested more than ${MAX_DEPTH} levels deep.`);
    const items: Item[] = [];
    for (let count = 0; count < length; count++) items.push(next());
    this.#depth--;
    return items;
  }

  #int(size: number, isSigned: boolean): number | bigint {
    if (size < 8) return isSigned ? this.#take(size).readIntBE(0, size) : this.#uint(size);
    const bytes = this.#take(8);
    const int = isSigned ? bytes.readBigInt64BE() : bytes.readBigUInt64BE();
    return Number.isSafeInteger(Number(int)) ? Number(int) : int;
  }

  #extension(length: number): Date | null {
    const type = this.#take(1).readInt8();
    const bytes = this.#take(length);
    if (type !== TIMESTAMP) return null;
    if (length === 4) return dateOf(bytes.readUInt32BE(), 0);
    if (length === 8) {
      const both = bytes.readBigUInt64BE();
      return dateOf(Number(both & 0x3_ffff_ffffn), Number(both >> 34n));
    }
    if (length === 12) return dateOf(Number(bytes.readBigInt64BE(4)), bytes.readUInt32BE());
    throw new BadPayload("A timestamp has 4, 8 or 12 bytes.");
  }

  #text(length: number): string {
    try {
      return utf8.decode(this.#take(length));
    } catch (cause) {
      if (cause instanceof BadPayload) throw cause;
      throw new BadPayload("A string is not UTF-8.", { cause });
    }
  }

  #uint(size: number): number {
    return this.#take(size).readUIntBE(0, size);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new BadPayload("The payload ends too early.");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function dateOf(seconds: number, nanoseconds: number): Date {
  const date = new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6));
  if (Number.isNaN(date.getTime())) throw new BadPayload("A timestamp is out of range.");
  return date;
}

/**
 * Converts the keys of a map to strings, since Python allows keys of any type. A string key stays as it is, and of equal
 * ones the last counts; numbers, None, True and False become the strings that Python's `json` writes. Other keys, and those
 * whose string is taken, get one made of their bytes.
 */
function named<Value>(entries: readonly RawEntry<Value>[]): Map<string, RawEntry<Value>> {
  const byName = new Map<string, RawEntry<Value>>();
  const texts = new Set(entries.map(({ key }) => key).filter((key) => typeof key === "string"));
  for (const entry of entries) {
    let name = typeof entry.key === "string" ? entry.key : nameOf(entry.key);
    if (typeof entry.key !== "string" && (name === undefined || texts.has(name) || byName.has(name))) {
      name = `msgpack:${Buffer.from(entry.keyRaw).toString("base64url")}`;
      while (texts.has(name)) name += "'";
    }
    byName.set(name!, entry);
  }
  return byName;
}

function nameOf(key: unknown): string | undefined {
  if (key instanceof Float) return formatFloat(key.value);
  const isPlain = key === null || ["number", "bigint", "boolean"].includes(typeof key);
  return isPlain ? String(key) : undefined;
}
