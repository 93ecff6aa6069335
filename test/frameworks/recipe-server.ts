import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync } from "node:fs";
import { cp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/** Where the recipes are compiled, as a user's project that has the frameworks and hipflask installed. */
export interface RecipeProject {
  readonly folder: string;
  /** Serves a recipe in a process of its own; `slow` takes 300 ms for each save. */
  serve(
    recipe: string,
    mode: "cookie" | "store" | "slow",
  ): Promise<{ readonly origin: string; close(): void }>;
  /** Runs a script to its end. */
  run(script: string): Promise<unknown>;
  remove(): Promise<void>;
}

/** @throws with the compiler's words if a recipe does not type-check */
export async function buildRecipes(): Promise<RecipeProject> {
  mkdirSync(join(root, ".cache"), { recursive: true });
  // Inside of the package, so that "hipflask" means the package itself, as built.
  const folder = mkdtempSync(join(root, ".cache/recipes-"));
  await cp(join(import.meta.dirname, "recipes"), folder, { recursive: true });
  await symlink(join(import.meta.dirname, "node_modules"), join(folder, "node_modules"));
  const compilerOptions = { noEmit: false, rootDir: ".", outDir: "js", moduleDetection: "force" };
  const config = { extends: join(import.meta.dirname, "recipes/tsconfig.json"), compilerOptions };
  const files = { include: ["**/*.ts"], exclude: ["node_modules"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...config, ...files }));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-p", folder]).catch(async (failure: { stdout: string }) => {
    await rm(folder, { recursive: true, force: true });
    throw new Error(failure.stdout);
  });
  return {
    folder,
    serve: (recipe, mode) => serve(join(folder, "js/serve.js"), recipe, mode),
    run: (script) => run(process.execPath, [join(folder, "js", script)]),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function serve(script: string, ...args: string[]) {
  const env = { ...process.env, NODE_ENV: "production" };
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk));
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${args.join(" ")} ended with ${code} before it was serving.\n${output}`);
  });
  // Frameworks greet on the same channel; the port is the line that is a number.
  const started = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      output += `${line}\n`;
      if (/^\d+$/.test(line)) return line;
    }
    return ended;
  })();
  const port = await Promise.race([started, ended]);
  ended.catch(() => {});
  child.stdout.resume();
  return { origin: `http://127.0.0.1:${port}`, close: () => void child.kill() };
}
