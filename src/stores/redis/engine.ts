import type { RedisCommands, ScanStep } from "./client.ts";
import type { RedisScript } from "./scripts.ts";
import { storeError } from "../store-error.ts";

/** A Redis and its clock: scripts go in, their answers or a `StoreError` come out. */
export class RedisEngine {
  readonly #commands: RedisCommands;
  readonly #clockOffset: () => number;

  constructor(commands: RedisCommands, clockOffset: () => number) {
    this.#commands = commands;
    this.#clockOffset = clockOffset;
  }

  /** Milliseconds that every script adds to the clock of Redis, for tests. */
  get offset(): number {
    return this.#clockOffset();
  }

  /** Runs a script; ARGV[1] is the offset, `values` follow it. */
  run(script: RedisScript, keys: string[], ...values: Array<string | number>): Promise<unknown> {
    const args = [String(this.offset)];
    for (const value of values) args.push(String(value));
    return this.#guard(() => this.#commands.run(script, keys, args));
  }

  /** One step of a SCAN for each master. */
  scanners(): Array<(cursor: string, match: string, count: number) => Promise<ScanStep>> {
    return this.#commands.scanners().map(
      (scan) =>
        (...step) =>
          this.#guard(() => scan(...step)),
    );
  }

  async #guard<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      throw storeError("redis", error);
    }
  }
}
