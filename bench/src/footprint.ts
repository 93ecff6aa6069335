import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { median } from "./figures.ts";

const DIST = new URL("../../dist/", import.meta.url);

/** Bytes of everything that `hipflask` is made of, types included. An adapter adds 10 to 15 KB. */
export function installedSize(): number {
  const files = new Set<string>();
  const visit = (file: URL): void => {
    if (files.has(file.href)) return;
    files.add(file.href);
    const imports = readFileSync(file, "utf8").matchAll(/^(?:import|export|\}) .*?from "(\.[^"]+)"/gm);
    for (const [, path] of imports) visit(new URL(path!, file));
  };
  visit(new URL("index.js", DIST));
  const sizes = Array.from(
    files,
    (href) => sizeOf(new URL(href)) + sizeOf(new URL(href.replace(/js$/, "d.ts"))),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

const sizeOf = (file: URL): number => (existsSync(file) ? statSync(file).size : 0);

/** Milliseconds from nothing to `hipflask` imported, in fresh processes. */
export function importTime(times: number): number {
  const script = `const start = performance.now();
    await import(${JSON.stringify(new URL("index.js", DIST).href)});
    console.log(performance.now() - start);`;
  const once = () => Number(execFileSync(process.execPath, ["--input-type=module", "--eval", script]));
  return median(Array.from({ length: times }, once));
}
