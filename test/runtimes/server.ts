import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A server of the app, on some runtime. */
export interface AppServer {
  visit(path: string, cookie?: string, init?: RequestInit): Promise<Visit>;
  close(): void;
}

/** What came back from a request. */
export interface Visit {
  readonly status: number;
  readonly body: string;
  /** The first Set-Cookie line, or "". */
  readonly line: string;
  /** Its name and value, for the next request. */
  readonly cookie: string;
  readonly headers: Headers;
}

/** Starts a command that prints its port. @throws if it ends before that */
export async function startServer(command: readonly string[], cwd: string): Promise<AppServer> {
  const [executable, ...args] = command as [string, ...string[]];
  const server = spawn(executable, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  const started = once(createInterface({ input: server.stdout }), "line") as Promise<[string]>;
  const ended = once(server, "exit").then(([code]) => {
    throw new Error(`${command.join(" ")} ended with ${code} before it was serving.`);
  });
  const [port] = await Promise.race([started, ended]);
  ended.catch(() => {});
  return {
    async visit(path, cookie = "", init = {}) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        ...init,
        headers: cookie === "" ? {} : { cookie },
        redirect: "manual",
      });
      const [line = ""] = response.headers.getSetCookie();
      const { status, headers } = response;
      return { status, body: await response.text(), line, cookie: line.split(";")[0]!, headers };
    },
    close: () => void server.kill(),
  };
}
