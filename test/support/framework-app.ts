import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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

/** The environment of a framework's program: no telemetry, and independent of the tests (Vitest sets PROD, which Astro reads). */
export const quietly = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(VITE|NODE_ENV|TEST|(PROD|DEV|SSR|MODE|BASE_URL)$)/.test(name),
    ),
  ),
  NEXT_TELEMETRY_DISABLED: "1",
  ASTRO_TELEMETRY_DISABLED: "1",
} as NodeJS.ProcessEnv;

/** Node as today's frameworks want it: this one, or the one in `test/frameworks`. @throws if neither is there */
export function currentNode(): string {
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(frameworks().root, "node_modules", name, "bin/node");
  if (!existsSync(path)) throw new Error(`This needs Node 24, and test/frameworks has no ${name}.`);
  return path;
}

/**
 * Copies the app `name` of `test/frameworks`.
 *
 * @param node the program that its commands run in
 */
export async function frameworkApp(name: string, node = process.execPath): Promise<FrameworkApp> {
  const folder = await appFolder(name);
  await cp(join(frameworks().root, name), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  return install(folder, node);
}

/**
 * Makes an app with a framework's own starter, and lays files over it. The starter installs nothing: packages are those
 * of `test/frameworks`.
 *
 * @param starter the starter's program in `node_modules`, and what it is told; `APP` stands for the new folder's name
 * @param files the folder with the files; by default `test/frameworks/NAME`
 */
export async function starterApp(
  name: string,
  [program, ...args]: readonly [string, ...string[]],
  files: string = join(frameworks().root, name),
): Promise<FrameworkApp> {
  const { root } = frameworks();
  const parent = await appFolder(name);
  const script = join(root, "node_modules", program);
  // Starters remember what they were told last, in the user's own configuration.
  const env = { XDG_CONFIG_HOME: join(parent, "config"), CI: "1" };
  const given = args.map((word) => (word === "APP" ? name : word));
  await run([script, ...given], parent, env);
  const folder = join(parent, name);
  await cp(files, folder, { recursive: true });
  return { ...(await install(folder)), remove: () => removeFolder(parent) };
}

/** Changes a file of a starter's where an app cannot do without. @throws if what should be replaced is not there */
export async function adapt(app: FrameworkApp, file: string, from: string, to: string): Promise<void> {
  const path = join(app.folder, file);
  const text = await readFile(path, "utf8");
  if (!text.includes(from)) throw new Error(`The starter's ${file} has no ${JSON.stringify(from)}:\n${text}`);
  await writeFile(path, text.replace(from, to));
}

async function appFolder(name: string): Promise<string> {
  const { root } = frameworks();
  await mkdir(join(root, ".cache"), { recursive: true });
  return mkdtemp(join(root, ".cache", `${name}-`));
}

async function install(folder: string, node = process.execPath): Promise<FrameworkApp> {
  const installed = join(folder, "node_modules/hipflask");
  await cp(join(repository, "dist"), join(installed, "dist"), { recursive: true });
  await cp(join(repository, "package.json"), join(installed, "package.json"));
  return {
    folder,
    run: (program, ...args) =>
      run([join(frameworks().root, "node_modules", program), ...args], folder, {}, node),
    remove: () => removeFolder(folder),
  };
}

const removeFolder = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 3 });

function run(
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
  node = process.execPath,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, {
      cwd,
      env: { ...quietly, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
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
  node = process.execPath,
): Promise<FrameworkServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(node, command(port), {
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
