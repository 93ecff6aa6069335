/**
 * Formats what the compiler wrote to `dist`: it indents by four spaces, which is a tenth of what everybody installs. Files
 * are named one by one, since a folder that Git ignores is ignored by the formatter as well.
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const files = readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(js|d\.ts)$/.test(name))
  .map((name) => join("dist", name));
const oxfmt = join(dirname(createRequire(import.meta.url).resolve("oxfmt/package.json")), "bin/oxfmt");
execFileSync(process.execPath, [oxfmt, "-c", ".oxfmtrc.dist.json", ...files], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
