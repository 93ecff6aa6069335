import { ByteArena } from "./byte-arena.ts";
import { ExpiryHeap } from "./expiry-heap.ts";

/** No slot. */
export const EMPTY = -1;

/**
 * Stores texts under keys, ordered by expiry: a hash table of numbered slots in typed arrays, with the texts in an arena, so
 * that the garbage collector need not visit each of a million sessions.
 */
export class MemoryTable {
  readonly #arena = new ByteArena();
  readonly #owned = new ExpiryHeap();
  readonly #anonymous = new ExpiryHeap();
  /** The last freed slot; its address is the slot freed before it (a free list). */
  #free = EMPTY;
  /** Slots by hash, open addressing with linear probing; at most half full. */
  #index = new Int32Array(2048).fill(EMPTY);
  #hashes = new Int32Array(1024);
  /** Address of each slot's block, which holds the key, then the text. */
  #addresses = new Float64Array(1024);
  #keyBytes = new Uint8Array(1024);
  #textBytes = new Int32Array(1024);
  #slots = 0;
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  /** Length of all texts in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The slot of a key; valid until the next `set` or `delete`. -1 if there is none. */
  slotOf(key: string): number {
    return this.#index[this.#find(key, hashOf(key))]!;
  }

  /** The text in a slot, or its first bytes, even if it has expired. */
  textIn(slot: number, bytes = Infinity): string {
    const from = this.#addresses[slot]! + this.#keyBytes[slot]!;
    return this.#arena.read(from, Math.min(bytes, this.#textBytes[slot]!));
  }

  /** Whether the text in a slot begins with an ASCII text, without creating a string. */
  startsWith(slot: number, start: string): boolean {
    return this.#arena.holds(this.#addresses[slot]! + this.#keyBytes[slot]!, start);
  }

  expiresAt(slot: number): number {
    return (this.#anonymous.has(slot) ? this.#anonymous : this.#owned).expiresAt(slot);
  }

  bytesIn(slot: number): number {
    return this.#textBytes[slot]!;
  }

  /** @param bytes the length of `text` in UTF-8 */
  set(key: string, text: string, bytes: number, expiresAt: number, anonymous: boolean): void {
    const hash = hashOf(key);
    const at = this.#find(key, hash);
    const known = this.#index[at]!;
    if (known !== EMPTY) this.#forget(known);
    const slot = known === EMPTY ? this.#insert(at, hash) : known;
    this.#addresses[slot] = this.#arena.write(key + text, key.length + bytes);
    this.#keyBytes[slot] = key.length;
    this.#textBytes[slot] = bytes;
    this.#bytes += bytes;
    (anonymous ? this.#owned : this.#anonymous).delete(slot);
    (anonymous ? this.#anonymous : this.#owned).set(slot, expiresAt);
  }

  /** Deletes up to `limit` texts that have expired by `now`. @returns how many */
  deleteExpired(now: number, limit: number): number {
    let deleted = 0;
    for (const heap of [this.#owned, this.#anonymous]) {
      for (; deleted < limit && heap.first !== EMPTY && heap.expiresAt(heap.first) <= now; deleted++) {
        this.delete(this.#keyOf(heap.first));
      }
    }
    return deleted;
  }

  /** Deletes the anonymous text that expires first. @returns `false` if there is none */
  deleteFirstAnonymous(): boolean {
    const slot = this.#anonymous.first;
    if (slot !== EMPTY) this.delete(this.#keyOf(slot));
    return slot !== EMPTY;
  }

  /** Marks a text as not anonymous. */
  own(key: string): void {
    const slot = this.slotOf(key);
    if (slot === EMPTY || !this.#anonymous.has(slot)) return;
    this.#owned.set(slot, this.#anonymous.expiresAt(slot));
    this.#anonymous.delete(slot);
  }

  delete(key: string): void {
    const at = this.#find(key, hashOf(key));
    const slot = this.#index[at]!;
    if (slot === EMPTY) return;
    this.#forget(slot);
    this.#owned.delete(slot);
    this.#anonymous.delete(slot);
    this.#addresses[slot] = this.#free;
    this.#free = slot;
    this.#size--;
    this.#closeGap(at);
  }

  #keyOf(slot: number): string {
    return this.#arena.read(this.#addresses[slot]!, this.#keyBytes[slot]!);
  }

  /** The position of a key in the index, or the empty position where it would be inserted. */
  #find(key: string, hash: number): number {
    const mask = this.#index.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = this.#index[at]!;
      if (slot === EMPTY || (this.#hashes[slot] === hash && this.#isNamed(slot, key))) return at;
    }
  }

  #isNamed(slot: number, key: string): boolean {
    return this.#keyBytes[slot] === key.length && this.#arena.holds(this.#addresses[slot]!, key);
  }

  #insert(at: number, hash: number): number {
    const slot = this.#free === EMPTY ? this.#slots++ : this.#free;
    if (slot === this.#free) this.#free = this.#addresses[slot]!;
    if (slot >= this.#hashes.length) this.#grow();
    this.#hashes[slot] = hash;
    if (++this.#size * 2 <= this.#index.length) this.#index[at] = slot;
    else this.#rebuild(slot);
    return slot;
  }

  /** After a deletion at `gap`, moves back the entries that linear probing had placed behind it. */
  #closeGap(gap: number): void {
    const mask = this.#index.length - 1;
    for (let at = (gap + 1) & mask; this.#index[at] !== EMPTY; at = (at + 1) & mask) {
      const home = this.#hashes[this.#index[at]!]! & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      this.#index[gap] = this.#index[at]!;
      gap = at;
    }
    this.#index[gap] = EMPTY;
  }

  /** Doubles the index, and inserts all of its slots and one more. */
  #rebuild(added: number): void {
    const before = this.#index;
    this.#index = new Int32Array(before.length * 2).fill(EMPTY);
    for (const slot of before) if (slot !== EMPTY) this.#enter(slot);
    this.#enter(added);
  }

  #enter(slot: number): void {
    const mask = this.#index.length - 1;
    let at = this.#hashes[slot]! & mask;
    while (this.#index[at] !== EMPTY) at = (at + 1) & mask;
    this.#index[at] = slot;
  }

  #grow(): void {
    const length = this.#hashes.length * 2;
    this.#hashes = copied(this.#hashes, new Int32Array(length));
    this.#addresses = copied(this.#addresses, new Float64Array(length));
    this.#keyBytes = copied(this.#keyBytes, new Uint8Array(length));
    this.#textBytes = copied(this.#textBytes, new Int32Array(length));
  }

  #forget(slot: number): void {
    this.#arena.release(this.#addresses[slot]!, this.#blockBytes(slot));
    this.#bytes -= this.#textBytes[slot]!;
  }

  #blockBytes(slot: number): number {
    return this.#keyBytes[slot]! + this.#textBytes[slot]!;
  }
}

/** FNV-1a. Keys are random or hashes, so an attacker cannot choose keys that collide. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash;
}

function copied<Numbers extends Int32Array | Float64Array | Uint8Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
