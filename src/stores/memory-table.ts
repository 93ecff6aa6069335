import { ExpiryHeap } from "./expiry-heap.ts";

/** Texts under selectors, with the order in which they expire. Counts what it holds. */
export class MemoryTable {
  readonly #slots = new Map<string, number>();
  readonly #selectors: string[] = [];
  readonly #texts: string[] = [];
  readonly #free: number[] = [];
  readonly #heap = new ExpiryHeap();
  #bytes = 0;

  get size(): number {
    return this.#slots.size;
  }

  /** Length of all texts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What expires next. */
  get next(): { selector: string; expiresAt: number } | undefined {
    const slot = this.#heap.first;
    return slot === -1
      ? undefined
      : { selector: this.#selectors[slot]!, expiresAt: this.#heap.expiresAt(slot) };
  }

  get(selector: string): { text: string; expiresAt: number } | undefined {
    const slot = this.#slots.get(selector);
    return slot === undefined
      ? undefined
      : { text: this.#texts[slot]!, expiresAt: this.#heap.expiresAt(slot) };
  }

  set(selector: string, text: string, expiresAt: number): void {
    let slot = this.#slots.get(selector);
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#texts.length;
      this.#slots.set(selector, slot);
      this.#selectors[slot] = selector;
      this.#texts[slot] = "";
    }
    this.#bytes += text.length - this.#texts[slot]!.length;
    this.#texts[slot] = text;
    this.#heap.set(slot, expiresAt);
  }

  delete(selector: string): void {
    const slot = this.#slots.get(selector);
    if (slot === undefined) return;
    this.#slots.delete(selector);
    this.#heap.delete(slot);
    this.#bytes -= this.#texts[slot]!.length;
    this.#texts[slot] = this.#selectors[slot] = "";
    this.#free.push(slot);
  }
}
