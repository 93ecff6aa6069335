/**
 * A binary heap of slot numbers, ordered by expiry, in typed arrays that the garbage collector need not visit. Each slot is in
 * it at most once. Adding, moving and removing take O(log n), reading the first O(1).
 */
export class ExpiryHeap {
  /** Slots in heap order. */
  #heap = new Int32Array(1024);
  /** The position of each slot in the heap; -1: not in it. */
  #position = new Int32Array(1024).fill(-1);
  #expiresAt = new Float64Array(1024);
  #size = 0;

  /** The slot that expires first; -1 if there is none. */
  get first(): number {
    return this.#size === 0 ? -1 : this.#heap[0]!;
  }

  has(slot: number): boolean {
    return slot < this.#position.length && this.#position[slot] !== -1;
  }

  expiresAt(slot: number): number {
    return this.#expiresAt[slot]!;
  }

  set(slot: number, expiresAt: number): void {
    if (slot >= this.#position.length) this.#grow(slot);
    this.#expiresAt[slot] = expiresAt;
    if (this.#position[slot] === -1) this.#place(slot, this.#size++);
    this.#settle(slot);
  }

  /** Removes a slot, if it is in the heap. */
  delete(slot: number): void {
    if (!this.has(slot)) return;
    const at = this.#position[slot]!;
    const last = this.#heap[--this.#size]!;
    this.#position[slot] = -1;
    if (last === slot) return;
    this.#place(last, at);
    this.#settle(last);
  }

  #settle(slot: number): void {
    const expiresAt = this.#expiresAt[slot]!;
    let at = this.#position[slot]!;
    for (let parent = (at - 1) >> 1; at > 0 && this.#at(parent) > expiresAt; parent = (at - 1) >> 1) {
      this.#place(this.#heap[parent]!, at);
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#at(child + 1) < this.#at(child)) child++;
      if (this.#at(child) >= expiresAt) break;
      this.#place(this.#heap[child]!, at);
      at = child;
    }
    this.#place(slot, at);
  }

  #at(index: number): number {
    return this.#expiresAt[this.#heap[index]!]!;
  }

  #place(slot: number, index: number): void {
    this.#heap[index] = slot;
    this.#position[slot] = index;
  }

  #grow(slot: number): void {
    const length = 2 ** Math.ceil(Math.log2(slot + 1));
    const before = this.#position.length;
    this.#heap = resized(this.#heap, new Int32Array(length));
    this.#position = resized(this.#position, new Int32Array(length).fill(-1, before));
    this.#expiresAt = resized(this.#expiresAt, new Float64Array(length));
  }
}

function resized<Numbers extends Int32Array | Float64Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
