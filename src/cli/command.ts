import type { Terminal } from "./terminal.ts";

/** One command of `hipflask`. */
export interface Command {
  /** A line for the list of all commands. */
  readonly summary: string;
  /** The usage, options and examples that `--help` prints. */
  readonly help: string;
  /** @returns the exit code: 0 for success, 1 for failure */
  run(args: string[], terminal: Terminal): Promise<number>;
}
