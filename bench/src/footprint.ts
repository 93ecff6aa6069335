import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { median } from "./figures.ts";

const DIST = new URL("../../dist/", import.meta.url);

/** Bytes of everything that a program loads with `hipflask`, and of its types. An adapter adds 10 to 15 KB. */
export function installedSize(): number {
  const files = new Set<string>();
  const visit = (file: URL): void => {
    if (files.has(file.href) || !existsSync(file)) return;
    files.add(file.href);
    const imports = readFileSync(file, "utf8").matchAll(/(?:from|import|import\() ?"(\.[^"]+)"/g);
    for (const [, path] of imports) {
      visit(new URL(file.pathname.endsWith(".cts") ? path!.replace(/cjs$/, "d.cts") : path!, file));
    }
  };
  visit(new URL("index.js", DIST));
  visit(new URL("index.d.cts", DIST));
  return Array.from(files, (href) => statSync(new URL(href)).size).reduce((sum, size) => sum + size, 0);
}

/** Milliseconds that a program spends on importing something, in fresh processes, one of each in turn. */
export function importTimes(times: number): { readonly ours: number; readonly expressSession: number } {
  const hipflask = [new URL("index.js", DIST).href, new URL("adapters/node.js", DIST).href];
  const peer = import.meta.resolve("express-session");
  const rounds = Array.from({ length: times }, () => [importTime(hipflask), importTime([peer])] as const);
  return {
    ours: median(rounds.map(([ours]) => ours)),
    expressSession: median(rounds.map(([, theirs]) => theirs)),
  };
}

function importTime(modules: readonly string[]): number {
  const program = modules.map((name) => `import ${JSON.stringify(name)};`).join("\n");
  const url = `data:text/javascript,${encodeURIComponent(program)}`;
  const script = `const start = performance.now();
    await import(${JSON.stringify(url)});
    console.log(performance.now() - start);`;
  return Number(execFileSync(process.execPath, ["--input-type=module", "--eval", script]));
}
