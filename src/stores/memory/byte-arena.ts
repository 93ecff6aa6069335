/**
 * Stores texts outside the JavaScript heap. The garbage collector visits each of a million strings in every full collection, but
 * only a few hundred buffers here.
 *
 * Blocks are multiples of {@link UNIT} bytes in chunks of 1 MiB. A freed block is reused for a text of its size; until then
 * it holds the address of the block freed before it (a free list), so freeing allocates nothing. A text larger than a chunk
 * gets a chunk of its own.
 */
export class ByteArena {
  readonly #chunks: Array<Buffer | undefined> = [];
  /** Address of the last freed block, by size in units; the last block of a list holds {@link NONE}. */
  readonly #free: number[] = [];
  #chunk = -1;
  #used = CHUNK;

  /** Stores `text` in UTF-8 and returns its address. `bytes` is its length in UTF-8. */
  write(text: string, bytes: number): number {
    const address = bytes > CHUNK ? this.#own(bytes) : this.#take(unitsOf(bytes));
    this.#chunks[Math.floor(address / CHUNK)]!.write(text, address % CHUNK, "utf8");
    return address;
  }

  read(address: number, bytes: number): string {
    const from = address % CHUNK;
    return this.#chunks[Math.floor(address / CHUNK)]!.toString("utf8", from, from + bytes);
  }

  /** Compares the stored text with an ASCII text, without creating a string. */
  holds(address: number, text: string): boolean {
    const chunk = this.#chunks[Math.floor(address / CHUNK)]!;
    const from = address % CHUNK;
    for (let at = 0; at < text.length; at++) if (chunk[from + at] !== text.charCodeAt(at)) return false;
    return true;
  }

  release(address: number, bytes: number): void {
    if (bytes > CHUNK) this.#chunks[Math.floor(address / CHUNK)] = undefined;
    else {
      const units = unitsOf(bytes);
      this.#chunks[Math.floor(address / CHUNK)]!.writeDoubleLE(this.#free[units] ?? NONE, address % CHUNK);
      this.#free[units] = address;
    }
  }

  #take(units: number): number {
    const freed = this.#free[units] ?? NONE;
    if (freed !== NONE) {
      this.#free[units] = this.#chunks[Math.floor(freed / CHUNK)]!.readDoubleLE(freed % CHUNK);
      return freed;
    }
    if (this.#used + units * UNIT > CHUNK) {
      this.#chunk = this.#chunks.push(Buffer.allocUnsafeSlow(CHUNK)) - 1;
      this.#used = 0;
    }
    const address = this.#chunk * CHUNK + this.#used;
    this.#used += units * UNIT;
    return address;
  }

  #own(bytes: number): number {
    return (this.#chunks.push(Buffer.allocUnsafeSlow(bytes)) - 1) * CHUNK;
  }
}

const NONE = -1;
const UNIT = 32;
const CHUNK = 2 ** 20;

function unitsOf(bytes: number): number {
  return Math.ceil(bytes / UNIT);
}
