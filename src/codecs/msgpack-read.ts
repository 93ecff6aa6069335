import { BadPayload } from "../errors.ts";
import { Float } from "../json/values.ts";

/** One entry of a map: its key, its value, and where both are in the bytes. */
export interface MsgpackEntry {
  readonly key: unknown;
  readonly value: unknown;
  /** Key and value as they stand in the bytes. */
  readonly raw: Uint8Array;
}

const MAX_DEPTH = 500;
/** The extension that is a moment. */
const TIMESTAMP = -1;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a map of MessagePack as Python reads it: ints are ints (`bigint` where a number is not exact), floats are `Float`s
 * where a number could be an int, bytes are bytes, moments are dates. Extensions that nobody knows are null.
 *
 * Libraries give `1` for int 1 and for float 1.0 alike, and Python does not, so this is ours.
 *
 * @throws BadPayload for anything but one map, whole and within bounds
 */
export function readMsgpackMap(bytes: Uint8Array): MsgpackEntry[] {
  const reader = new Reader(bytes);
  const entries = reader.entries();
  if (!reader.isAtEnd) throw new BadPayload("There is more than one value.");
  return entries;
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
    const head = this.#uint(1);
    if ((head & 0xf0) === 0x80) return this.#map(head & 0x0f);
    if (head === 0xde) return this.#map(this.#uint(2));
    if (head === 0xdf) return this.#map(this.#uint(4));
    throw new BadPayload("The payload is not a map.");
  }

  #value(): unknown {
    const head = this.#uint(1);
    if (head < 0x80) return head;
    if (head < 0x90) return objectOf(this.#map(head & 0x0f));
    if (head < 0xa0) return this.#array(head & 0x0f);
    if (head < 0xc0) return this.#text(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    if (head >= 0xc4 && head <= 0xc6) return Uint8Array.from(this.#take(this.#uint(2 ** (head - 0xc4))));
    if (head >= 0xc7 && head <= 0xc9) return this.#extension(this.#uint(2 ** (head - 0xc7)));
    if (head >= 0xcc && head <= 0xcf) return this.#int(2 ** (head - 0xcc), false);
    if (head >= 0xd0 && head <= 0xd3) return this.#int(2 ** (head - 0xd0), true);
    if (head >= 0xd4 && head <= 0xd8) return this.#extension(2 ** (head - 0xd4));
    if (head >= 0xd9 && head <= 0xdb) return this.#text(this.#uint(2 ** (head - 0xd9)));
    if (head === 0xdc || head === 0xdd) return this.#array(this.#uint(head === 0xdc ? 2 : 4));
    if (head === 0xde || head === 0xdf) return objectOf(this.#map(this.#uint(head === 0xde ? 2 : 4)));
    if (head === 0xca) return new Float(this.#take(4).readFloatBE());
    if (head === 0xcb) return new Float(this.#take(8).readDoubleBE());
    if (head === 0xc0) return null;
    if (head === 0xc1) throw new BadPayload("0xc1 is never used.");
    return head === 0xc3;
  }

  #array(length: number): unknown[] {
    return this.#nested(length, () => this.#value());
  }

  #map(length: number): MsgpackEntry[] {
    return this.#nested(length, () => this.#entry());
  }

  #entry(): MsgpackEntry {
    const start = this.#at;
    const key = this.#value();
    const value = this.#value();
    return { key, value, raw: this.#bytes.subarray(start, this.#at) };
  }

  /** Each value takes a byte at least, so a length that is a lie costs nothing. */
  #nested<Item>(length: number, next: (index: number) => Item): Item[] {
    if (length > this.#bytes.length - this.#at) throw new BadPayload("A length exceeds what is there.");
    if (++this.#depth > MAX_DEPTH) throw new BadPayload(`It is nested more than ${MAX_DEPTH} levels deep.`);
    const items = Array.from({ length }, (_, index) => next(index));
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
      throw new BadPayload("A text is not UTF-8.", { cause });
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

function objectOf(entries: readonly MsgpackEntry[]): Record<string, unknown> {
  // Defined, not assigned: a key called __proto__ is data like any other.
  return Object.fromEntries(entries.map(({ key, value }) => [keyText(key), value]));
}

/** Python has ints and more as keys; in a session they are texts. */
export function keyText(key: unknown): string {
  if (typeof key === "string") return key;
  if (typeof key === "number" || typeof key === "bigint" || key instanceof Float) return String(key);
  throw new BadPayload("A key is neither text nor number.");
}
