/**
 * Texts outside of the JavaScript heap. A million strings are a million things for the garbage collector to visit at
 * each full collection; a few hundred large buffers are not.
 *
 * Blocks come in multiples of {@link UNIT} bytes from chunks of 1 MiB; a freed block is used again for one of its size, and
 * until then holds the address of the one freed before it, so that a sweep allocates nothing. A text larger than a
 * chunk has a chunk of its own.
 */
export class ByteArena {
  readonly #chunks: Array<Buffer | undefined> = [];
  /** Where the block is that was freed last, by size in units; {@link NONE} after the only one. */
  readonly #free: number[] = [];
  #chunk = -1;
  #used = CHUNK;

  /** Stores `text` in UTF-8 and answers where. `bytes` is its length in UTF-8. */
  write(text: string, bytes: number): number {
    const address = bytes > CHUNK ? this.#own(bytes) : this.#take(unitsOf(bytes));
    this.#chunks[Math.floor(address / CHUNK)]!.write(text, address % CHUNK, "utf8");
    return address;
  }

  read(address: number, bytes: number): string {
    const from = address % CHUNK;
    return this.#chunks[Math.floor(address / CHUNK)]!.toString("utf8", from, from + bytes);
  }

  /** Whether there is exactly this text, without making a string of what is there. ASCII only. */
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
