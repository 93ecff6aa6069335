/** A remembered cookie: its whole text, what it says, and what both weigh. */
interface Entry<Value> {
  readonly text: string;
  readonly value: Value;
  readonly bytes: number;
}

/**
 * Remembers cookies that have been verified, since most requests repeat one: a known cookie costs a look-up instead of
 * an HMAC. Bounded in bytes.
 *
 * Entries sit in two generations. New ones and those asked for again go to the young one; when that holds half of the
 * budget it becomes the old one, and what was not asked for since then is dropped. That keeps what is in use, as a
 * least-recently-used list does, without moving anything on a hit.
 *
 * Cookies are looked up by their signature and then compared as a whole. Neither needs constant time: the text of a
 * live signature is reached only through the process's secret hash seed.
 */
export class VerifiedCache<Value> {
  readonly #maxGenerationBytes: number;
  #young = new Map<string, Entry<Value>>();
  #old = new Map<string, Entry<Value>>();
  #youngBytes = 0;
  #oldBytes = 0;

  /** @param maxBytes most bytes to hold; 0 remembers nothing */
  constructor(maxBytes: number) {
    this.#maxGenerationBytes = maxBytes / 2;
  }

  /** Bytes held now, by the reckoning of those who put them in. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /** What exactly this text was remembered with. */
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
   * Remembers a **verified** text, which must not be a slice of a longer one: that would stay in memory as well.
   *
   * @param bytes roughly what text and value take in memory
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

/** As much of the signature as tells it from all others. Searching for its beginning would take as long as the look-up. */
function signatureOf(text: string): string {
  return text.slice(-20);
}
