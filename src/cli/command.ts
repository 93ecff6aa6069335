import type { Terminal } from "./terminal.ts";

/** One of the words after `hipflask`. */
export interface Command {
  /** What it does, in a line, for the list of all commands. */
  readonly summary: string;
  /** How it is written, its options, and examples: what `--help` prints. */
  readonly help: string;
  /** @returns the exit code: 0 good, 1 not */
  run(args: string[], terminal: Terminal): Promise<number>;
}
