/** A cached cookie: the whole string, its value, and the size of both. */
interface Entry<Value> {
  readonly text: string;
  readonly value: Value;
  readonly bytes: number;
}

/**
 * Caches verified cookies, since most requests repeat one: a cached cookie costs a lookup instead of an HMAC. Limited in
 * bytes.
 *
 * There are two generations. New and reused entries go to the young one; when it reaches half of the limit, it becomes the
 * old one, and entries that were not reused since are dropped. This approximates a least-recently-used cache without moving
 * entries on each hit.
 *
 * Cookies are looked up by their signature and then compared as a whole. Neither needs constant time: an attacker cannot
 * probe for signatures without the process's secret hash seed.
 */
export class VerifiedCache<Value> {
  readonly #maxGenerationBytes: number;
  #young = new Map<string, Entry<Value>>();
  #old = new Map<string, Entry<Value>>();
  #youngBytes = 0;
  #oldBytes = 0;

  /** @param maxBytes maximum size in bytes; 0 disables the cache */
  constructor(maxBytes: number) {
    this.#maxGenerationBytes = maxBytes / 2;
  }

  /** Current size, as the sum of the `bytes` passed to `set`. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /** The value cached for exactly this string. */
  get(text: string): Value | undefined {
    const signature = signatureOf(text);
    let entry = this.#young.get(signature);
    if (entry === undefined) {
      entry = this.#old.get(signature);
      if (entry?.text === text) this.#put(signature, entry);
    }
    return entry?.text === text ? entry.value : undefined;
  }

  /**
   * Caches a **verified** string, which must not be a slice of a longer one: that would stay in memory as well.
   *
   * @param bytes approximate memory of string and value
   */
  set(text: string, value: Value, bytes: number): void {
    if (bytes <= this.#maxGenerationBytes) this.#put(signatureOf(text), { text, value, bytes });
  }

  #put(signature: string, entry: Entry<Value>): void {
    const replaced = this.#young.get(signature);
    if (replaced !== undefined) this.#youngBytes -= replaced.bytes;
    if (this.#youngBytes + entry.bytes > this.#maxGenerationBytes) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(signature, entry);
    this.#youngBytes += entry.bytes;
  }
}

/** The end of the signature, which is enough to identify it. Searching for its beginning would take as long as the lookup. */
function signatureOf(text: string): string {
  return text.slice(-20);
}
