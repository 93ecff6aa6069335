import { writeSync } from "node:fs";
import process from "node:process";

/** What a command knows of the world. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All of standard input. */
  read(): Promise<string>;
  /** A line to standard output: what was asked for. */
  print(line: string): void;
  /** A line to standard error: everything else. */
  complain(line: string): void;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return {
    env: process.env,
    async read() {
      if (process.stdin.isTTY) process.stderr.write("Reading from the terminal; end with Ctrl-D.\n");
      let text = "";
      for await (const chunk of process.stdin.setEncoding("utf8")) text += String(chunk);
      return text;
    },
    print: (line) => write(1, `${line}\n`),
    complain: (line) => write(2, `${line}\n`),
  };
}

/** In one go, so that nothing is lost when the process exits; a reader that went away (`| head`) is no error. */
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
