/** Says what is being measured, how far the run is and how long it may take: in place on a terminal, else now and then. */
export class Progress {
  readonly #total: number;
  readonly #start = performance.now();
  #done = 0;
  #lastLine = -Infinity;

  constructor(total: number) {
    this.#total = total;
  }

  /** @param steps how many of the total this one counts for, if it takes longer than most */
  step(what: string, steps = 1): void {
    this.#done += steps;
    const now = performance.now();
    const left = ((now - this.#start) / this.#done) * (this.#total - this.#done);
    const line = `[${this.#done}/${this.#total}] ${what} (${Math.ceil(left / 1000)} s left)`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
    else if (now - this.#lastLine > 5000) {
      process.stderr.write(`${line}\n`);
      this.#lastLine = now;
    }
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}
