import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** One source file: what it imports, types included, and how long it is. */
export interface Module {
  /** Relative to `src`, with forward slashes. */
  readonly path: string;
  /** Files of our own, as paths like {@link Module.path}. */
  readonly imports: readonly string[];
  /** Everything else, as written: `node:crypto`, `hono`, `@redis/client/dist/…`. */
  readonly outside: readonly string[];
  readonly lines: number;
}

const COMMENT = /^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*/gm;
const STATEMENT = /^(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*"([^"]+)"/gm;
const EXPRESSION = /\bimport\(\s*"([^"]+)"/g;

/** @returns what a TypeScript source imports, `import type` and `import()` included. */
export function importsOf(source: string): string[] {
  const code = source.replace(COMMENT, "");
  return [...code.matchAll(STATEMENT), ...code.matchAll(EXPRESSION)].map((match) => match[1] as string);
}

/** Describes one source file. */
export function moduleOf(path: string, source: string): Module {
  const names = importsOf(source);
  const isOwn = (name: string) => name.startsWith(".");
  return {
    path,
    imports: names.filter(isOwn).map((name) => posix.join(posix.dirname(path), name)),
    outside: names.filter((name) => !isOwn(name)),
    lines: source.split("\n").length - 1,
  };
}

/** Reads all modules below a folder; unit tests are not part of the architecture. */
export function readModules(folder: string): Module[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .toSorted()
    .map((path) => moduleOf(path, readFileSync(join(folder, path), "utf8")));
}
