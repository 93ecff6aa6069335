// Removes from `dist` the declarations that no subpath of the package leads to: a third of them, and no compiler of a
// user's would ever open one.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const reached = new Set();
const visit = (file) => {
  if (reached.has(file) || !existsSync(file)) return;
  reached.add(file);
  for (const [, path] of readFileSync(file, "utf8").matchAll(/(?:from|import|import\()\s*"(\.[^"]+)"/g)) {
    visit(join(dirname(file), path.replace(/(?:\.d)?\.[jt]s$/, ".d.ts")));
  }
};
for (const target of Object.values(exports)) if (target.types) visit(join(root, target.types));

for (const name of readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" })) {
  const file = join(root, "dist", name);
  if (name.endsWith(".d.ts") && !reached.has(file)) rmSync(file);
}
