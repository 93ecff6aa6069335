import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";

const IMPORT = /((?:from|import|import\()\s*")(\.[^"]+)\.[jt]s"/g;
const PACKAGE = /^(?:(?:import|export|\}) [^;"\n]*from|import|declare module) "(?!\.|node:)/m;

/**
 * Writes the declarations of all doors and of what they need to `dist`: as CommonJS, `.d.cts`, which modules can import as
 * well, so that a type is one type in a program that has both. Only what mentions a package is written for modules too,
 * since a package may have other types for modules. A door of its own has a `.d.ts` in any case.
 */
export function writeDeclarations(root, dist, doors) {
  const files = emit(root);
  const importsOf = (name) =>
    [...files.get(name).matchAll(IMPORT)].map(([, , path]) => posix.join(posix.dirname(name), path));

  const reached = new Set();
  const visit = (name) => {
    if (reached.has(name)) return;
    reached.add(name);
    importsOf(name).forEach(visit);
  };
  doors.forEach(visit);

  const foreign = new Set([...reached].filter((name) => PACKAGE.test(files.get(name))));
  for (let size = -1; size !== foreign.size;) {
    size = foreign.size;
    for (const name of reached) if (importsOf(name).some((path) => foreign.has(path))) foreign.add(name);
  }

  const importing = (name, extensionOf) =>
    files.get(name).replaceAll(IMPORT, (_, before, to) => {
      return `${before}${to}.${extensionOf(posix.join(posix.dirname(name), to))}"`;
    });
  for (const name of reached) {
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    writeFileSync(join(dist, `${name}.d.cts`), asRequired(importing(name, () => "cjs")));
    if (!foreign.has(name) && !doors.includes(name)) continue;
    const text = foreign.has(name)
      ? importing(name, (path) => (foreign.has(path) ? "js" : "cjs"))
      : `export * from "./${posix.basename(name)}.cjs";\n`;
    writeFileSync(join(dist, `${name}.d.ts`), text);
  }
}

/** A module with a default export is that export when it is required, and the others are its properties. */
function asRequired(text) {
  const [, name] = / (\w+) as default\b/.exec(text) ?? [];
  return name === undefined ? text : `${text.replaceAll(/^export .*\n/gm, "")}export = ${name};\n`;
}

/** What the compiler says of each source, by its name without an extension. */
function emit(root) {
  const folder = mkdtempSync(join(tmpdir(), "hipflask-types-"));
  try {
    const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
    execFileSync(
      process.execPath,
      [tsc, "-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", folder],
      { cwd: root, stdio: "inherit" },
    );
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".d.ts"),
    );
    return new Map(
      names.map((name) => [
        name.replaceAll("\\", "/").replace(/\.d\.ts$/, ""),
        // The compiler indents by four spaces, which is a tenth of what everybody would install.
        readFileSync(join(folder, name), "utf8").replaceAll(/^(?: {4})+/gm, (spaces) =>
          "\t".repeat(spaces.length / 4),
        ),
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
