import { existsSync, readFileSync, writeSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline/promises";
import { parseEnv } from "node:util";
import { UsageError } from "./arguments.ts";

/** Environment and standard streams of a command. */
export interface Terminal {
  /** The current directory. */
  readonly cwd: string;
  /** Variables of the process, and of a file `.env` in that folder; the process takes precedence. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All of standard input. */
  read(): Promise<string>;
  /** Asks the user a question; undefined without an interactive terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Prints a line to standard output: the result. */
  print(line: string): void;
  /** Prints a line to standard error: everything else. */
  complain(line: string): void;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  if (existsSync(".env")) {
    // Also here, since `doctor` loads code that reads it.
    for (const [name, value] of Object.entries(parseEnv(readFileSync(".env", "utf8"))))
      process.env[name] ??= value;
  }
  return {
    cwd: process.cwd(),
    env: process.env,
    async read() {
      if (process.stdin.isTTY) process.stderr.write("Reading from the terminal; end with Ctrl-D.\n");
      let text = "";
      for await (const chunk of process.stdin.setEncoding("utf8")) text += String(chunk);
      return text;
    },
    ask: process.stdin.isTTY && process.stdout.isTTY ? ask : undefined,
    print: (line) => write(1, `${line}\n`),
    complain: (line) => write(2, `${line}\n`),
  };
}

async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-C and Ctrl-D close it without answering the question.
  const closed = new AbortController();
  lines.once("close", () => closed.abort());
  try {
    return await lines.question(question, { signal: closed.signal });
  } catch {
    throw new UsageError("There was no answer.");
  } finally {
    lines.close();
  }
}

/** Writes synchronously, so that nothing is lost when the process exits; a closed pipe (`| head`) is not an error. */
function write(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
    }
  }
}
