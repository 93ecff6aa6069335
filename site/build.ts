/**
 * Builds the site into `site/dist`: npm run site. The pages are the Markdown files of the repository, and the API
 * reference is made from the declarations that the package ships.
 */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { contents } from "./contents.ts";
import { siteLinks } from "./links.ts";
import { llmsText } from "./llms.ts";

const site = import.meta.dirname;
const root = join(site, "..");
const pagesFolder = join(site, "generated/pages");
const dist = join(site, "dist");
const modules = join(site, "node_modules");

if (!existsSync(modules)) {
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: site, stdio: "inherit" });
}
for (const folder of [join(site, "generated"), dist]) rmSync(folder, { recursive: true, force: true });

const all = contents.flatMap(({ pages }) => pages);
const byFile = new Map(all.map((page) => [page.file, page]));
const isFolder = (path: string) => statSync(join(root, path)).isDirectory();
const write = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

for (const { file, link } of all) {
  const name = link.endsWith("/") ? `${link}index` : link;
  write(
    join(pagesFolder, `${name}.md`),
    siteLinks(readFileSync(join(root, file), "utf8"), file, byFile, isFolder),
  );
}
cpSync(join(site, "home.md"), join(pagesFolder, "index.md"));
cpSync(join(root, "docs/images"), join(pagesFolder, "public/images"), { recursive: true });

// TypeDoc names a module by its file: one file for each door, so that the names are those that people import.
interface Door {
  readonly types?: string | undefined;
  readonly import?: { readonly types: string };
}
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, Door | string>;
};
const doors = Object.entries(exports).flatMap(([subpath, door]) => {
  const types = typeof door === "string" ? undefined : (door.types ?? door.import?.types);
  return types === undefined
    ? []
    : [{ file: join(site, "generated/doors", `${subpath.replace(".", "hipflask")}.ts`), types }];
});
for (const { file, types } of doors) {
  const target = relative(dirname(file), join(root, types)).replace(/\.d\.(.?)ts$/, ".$1js");
  write(file, `export * from "${target}";\n`);
}
execFileSync(
  process.execPath,
  [join(modules, "typedoc/bin/typedoc"), ...doors.flatMap(({ file }) => ["--entryPoints", file])],
  { cwd: site, stdio: ["ignore", "ignore", "inherit"] },
);

execFileSync(process.execPath, [join(modules, "vitepress/bin/vitepress.js"), "build"], {
  cwd: site,
  stdio: "inherit",
});

// Each page as Markdown beside its HTML, and an index of them.
for (const path of readdirSync(pagesFolder, { recursive: true, encoding: "utf8" })) {
  if (path.endsWith(".md")) cpSync(join(pagesFolder, path), join(dist, path));
}
write(join(dist, "llms.txt"), llmsText(contents));
console.log(`The site is in ${dist}`);
