import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { frameworks } from "./frameworks.ts";

const repository = join(import.meta.dirname, "../..");

/** A copy of an app in `test/frameworks`, with this package installed in it as a user's app would have it. */
export interface FrameworkApp {
  readonly folder: string;
  /** Runs a program of a package, and gives what it printed. @throws with that, if it fails */
  run(program: string, ...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** Milliseconds for the hook that builds an app: seconds on a machine of its own, and much longer beside other tests. */
export const BUILD_TIMEOUT = 400_000;

/** What a program of a framework is told: nobody reports to anybody, and nothing depends on the tests around it. */
export const quietly = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITE|VITEST|NODE_ENV|TEST)/.test(name)),
  ),
  NEXT_TELEMETRY_DISABLED: "1",
} as NodeJS.ProcessEnv;

export async function frameworkApp(name: string): Promise<FrameworkApp> {
  const { root } = frameworks();
  await mkdir(join(root, ".cache"), { recursive: true });
  const folder = await mkdtemp(join(root, ".cache", `${name}-`));
  await cp(join(root, name), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  const installed = join(folder, "node_modules/hipflask");
  await cp(join(repository, "dist"), join(installed, "dist"), { recursive: true });
  await cp(join(repository, "package.json"), join(installed, "package.json"));
  return {
    folder,
    run: (program, ...args) => run([join(root, "node_modules", program), ...args], folder),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

function run(args: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, env: quietly, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(output))));
  });
}

/** A server of such an app, in a process of its own. */
export interface FrameworkServer {
  readonly url: string;
  /** What it printed so far. */
  readonly output: () => string;
  stop(): Promise<void>;
}

/** Starts a server on a free port and waits until it answers. @throws with what it printed, if it ends before that */
export async function startServer(
  cwd: string,
  command: (port: number) => readonly string[],
  env: Record<string, string> = {},
): Promise<FrameworkServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, command(port), {
    cwd,
    env: { ...quietly, PORT: String(port), HOST: "127.0.0.1", ORIGIN: url, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const ended = once(child, "close");
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  while (!isOver() && !(await listens(port))) await sleep(50);
  if (isOver()) throw new Error(`The server ended: ${output}`);
  return {
    url,
    output: () => output,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}
