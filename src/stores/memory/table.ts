import { ByteArena } from "./byte-arena.ts";
import { ExpiryHeap } from "./expiry-heap.ts";

const EMPTY = -1;

/**
 * Texts under selectors, with the order in which they expire: a hash table of numbered slots in flat arrays, and the
 * texts in an arena, so that a million sessions are next to nothing for the garbage collector.
 */
export class MemoryTable {
  readonly #arena = new ByteArena();
  readonly #heap = new ExpiryHeap();
  /** The slot that was freed last; its address is the slot freed before it. */
  #free = EMPTY;
  /** Slots by hash, open addressing with linear probing; at most half full. */
  #index = new Int32Array(2048).fill(EMPTY);
  #hashes = new Int32Array(1024);
  /** Where a slot's block is: its selector, then its text. */
  #addresses = new Float64Array(1024);
  #selectorBytes = new Uint8Array(1024);
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

  /** What expires next. */
  get next(): { selector: string; expiresAt: number } | undefined {
    const slot = this.#heap.first;
    if (slot === -1) return undefined;
    const selector = this.#arena.read(this.#addresses[slot]!, this.#selectorBytes[slot]!);
    return { selector, expiresAt: this.#heap.expiresAt(slot) };
  }

  get(selector: string): { text: string; expiresAt: number } | undefined {
    const slot = this.#index[this.#find(selector, hashOf(selector))]!;
    if (slot === EMPTY) return undefined;
    const block = this.#arena.read(this.#addresses[slot]!, this.#blockBytes(slot));
    return { text: block.slice(selector.length), expiresAt: this.#heap.expiresAt(slot) };
  }

  /** Bytes of the text under a selector; `undefined` if there is none. */
  bytesOf(selector: string): number | undefined {
    const slot = this.#index[this.#find(selector, hashOf(selector))]!;
    return slot === EMPTY ? undefined : this.#textBytes[slot]!;
  }

  set(selector: string, text: string, expiresAt: number): void {
    const hash = hashOf(selector);
    const at = this.#find(selector, hash);
    const known = this.#index[at]!;
    if (known !== EMPTY) this.#forget(known);
    const slot = known === EMPTY ? this.#insert(at, hash) : known;
    const bytes = Buffer.byteLength(text);
    this.#addresses[slot] = this.#arena.write(selector + text, selector.length + bytes);
    this.#selectorBytes[slot] = selector.length;
    this.#textBytes[slot] = bytes;
    this.#bytes += bytes;
    this.#heap.set(slot, expiresAt);
  }

  delete(selector: string): void {
    const at = this.#find(selector, hashOf(selector));
    const slot = this.#index[at]!;
    if (slot === EMPTY) return;
    this.#forget(slot);
    this.#heap.delete(slot);
    this.#addresses[slot] = this.#free;
    this.#free = slot;
    this.#size--;
    this.#closeGap(at);
  }

  /** The place of a selector in the index, or the empty place where it belongs. */
  #find(selector: string, hash: number): number {
    const mask = this.#index.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = this.#index[at]!;
      if (slot === EMPTY || (this.#hashes[slot] === hash && this.#isNamed(slot, selector))) return at;
    }
  }

  #isNamed(slot: number, selector: string): boolean {
    return (
      this.#selectorBytes[slot] === selector.length && this.#arena.holds(this.#addresses[slot]!, selector)
    );
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

  /** Moves up what was pushed away from its place by the entry that left `gap`. */
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

  /** Twice the index, with all slots that were in it and one more. */
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
    this.#selectorBytes = copied(this.#selectorBytes, new Uint8Array(length));
    this.#textBytes = copied(this.#textBytes, new Int32Array(length));
  }

  #forget(slot: number): void {
    this.#arena.release(this.#addresses[slot]!, this.#blockBytes(slot));
    this.#bytes -= this.#textBytes[slot]!;
  }

  #blockBytes(slot: number): number {
    return this.#selectorBytes[slot]! + this.#textBytes[slot]!;
  }
}

/** FNV-1a. Selectors are random, and made by us: nobody can choose them to collide. */
function hashOf(selector: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < selector.length; at++) hash = Math.imul(hash ^ selector.charCodeAt(at), 0x01000193);
  return hash;
}

function copied<Numbers extends Int32Array | Float64Array | Uint8Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
