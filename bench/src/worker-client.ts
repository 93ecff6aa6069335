import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Reading } from "./measure.ts";

/** What a worker is asked to do: measure one cell. */
export interface Command {
  readonly cell: string;
  readonly verb: "time" | "allocate";
  /** Milliseconds to time each side of the pair, or calls to count the bytes of. */
  readonly amount: number;
}

/** A process that measures one library on command. */
export class Worker {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.on("error", () => undefined); // a missing program shows as a missing answer
    this.#process.stdin!.on("error", () => undefined);
    this.#answers = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  /** A Node worker for a module in `subjects/`. */
  static node(subject: string, flags: readonly string[] = []): Worker {
    return new Worker(process.execPath, [
      ...flags,
      fileURLToPath(new URL("worker.js", import.meta.url)),
      subject,
    ]);
  }

  /** @throws Error with the worker's own words if the cell cannot be measured */
  measure(command: Command): Promise<Reading> {
    return this.ask<Reading>(command);
  }

  /** Sends an object as a line of JSON and waits for the line that answers it. */
  async ask<Answer>(command: object): Promise<Answer> {
    this.#process.stdin!.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("The worker ended.");
    const answer = JSON.parse(value) as (Answer & object) | { error: string };
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  }

  stop(): void {
    this.#process.stdin!.end();
  }
}
