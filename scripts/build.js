// Builds `dist`: npm run build. JavaScript twice, as modules and as CommonJS, each in few files; declarations once, as
// CommonJS, which both can import. See decisions/022-two-builds.md.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { writeDeclarations } from "./declarations.js";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What can be imported by name, as `adapters/hono` for `src/adapters/hono.ts`. */
const doors = Object.values(exports)
  .filter((target) => typeof target !== "string")
  .map((target) => (target.import ?? incomplete(target)).default.replace(/^\.\/dist\/(.+)\.js$/, "$1"));

function incomplete(target) {
  throw new Error(
    `package.json: ${JSON.stringify(target)} needs "import" and "require", as its neighbours have them`,
  );
}

const shared = await coreModules();

rmSync(dist, { recursive: true, force: true });
await write("esm", "js", [...doors, "cli/main", "cli/terminal"]);
await write("cjs", "cjs", doors);
writeDeclarations(root, dist, doors);

/**
 * The modules of `hipflask` itself, and those that adapters of Node share. They become one file, although not everybody
 * needs all of them: opening one more file takes longer than reading a larger one.
 */
async function coreModules() {
  const doors = ["src/index.ts", "src/adapters/node.ts"];
  const bundle = await rolldown({ input: doors, cwd: root, external: /^[^./]/ });
  const { output } = await bundle.generate();
  await bundle.close();
  const modules = new Set(output.flatMap((chunk) => chunk.moduleIds ?? []));
  // Doors stay files of their own: what other doors take from the core is not for users.
  for (const door of doors) modules.delete(join(root, door));
  return modules;
}

async function write(format, extension, names) {
  const bundle = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    cwd: root,
    platform: "node",
    external: /^[^./]/,
    preserveEntrySignatures: "allow-extension",
  });
  const { output } = await bundle.generate({
    format,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `shared/[name].${extension}`,
    minifyInternalExports: false,
    codeSplitting: {
      groups: [
        { name: "core", test: (id) => shared.has(id) },
        // Else the door of `sqlStore` would also export what other doors take from it.
        { name: "sql", test: /[/\\]stores[/\\]sql[/\\]/ },
      ],
      includeDependenciesRecursively: false,
    },
    exports: "named",
    // Jest runs CommonJS without what `import()` needs.
    dynamicImportInCjs: false,
    comments: false,
    // `require` gives the middleware itself, as with express-session.
    outro: ({ name }) =>
      format === "cjs" && name === "express-session"
        ? "module.exports = Object.assign(exports.default, exports);"
        : "",
  });
  await bundle.close();
  for (const { fileName, code } of output) {
    mkdirSync(dirname(join(dist, fileName)), { recursive: true });
    writeFileSync(join(dist, fileName), ascii(code));
  }
}

/** With one character beyond Latin-1, V8 keeps two bytes for each character of a file and takes twice the time to read it. */
function ascii(code) {
  return code.replaceAll(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
