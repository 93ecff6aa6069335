import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { delimiter, join } from "node:path";
import { notInUnit } from "./project.ts";

notInUnit("Python");

/** The first python3 on the PATH that can run this code, or `undefined`: there is often more than one. */
export function pythonThat(code: string): string | undefined {
  return [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"]
    .map((directory) => join(directory, "python3"))
    .find((path) => spawnSync(path, ["-c", code]).status === 0);
}

/** A server in Python, which tells its port in its first line. */
export interface PythonServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a script that serves on a free port and prints that port. */
export async function pythonServer(
  python: string,
  script: string,
  ...options: string[]
): Promise<PythonServer> {
  const child: ChildProcess = spawn(python, ["-u", script, ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr!.on("data", (chunk) => (complaints += String(chunk)));
  const lines = createInterface({ input: child.stdout! });
  const ended = once(child, "exit");
  const first = await Promise.race([once(lines, "line"), ended.then(() => [])]);
  const port = Number(first[0]);
  if (!(port > 0)) throw new Error(`${script} did not start: ${complaints}`);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
