// Serves the app on workerd, through Miniflare, and prints its port: with sessions in the cookie, or, for "memory:", in the
// memory of the worker.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Miniflare } from "miniflare";

const dist = new URL("node_modules/hipflask/dist/", import.meta.url);

/** A module of the package and all that it imports, by path, as a bundler would find them. */
function modulesFrom(path, found) {
  if (found.has(path)) return found;
  const contents = readFileSync(new URL(path, dist), "utf8");
  found.set(path, contents);
  const imports = contents.matchAll(/^(?:import|export)\b[^"';]*?"(\.[^"]+)"/gm);
  for (const [, specifier] of imports) modulesFrom(join(dirname(path), specifier), found);
  return found;
}

const isStored = process.argv[2] === "memory:";
const doors = ["index.js", "adapters/fetch.js", "stores/memory.js"];
const found = new Map();
for (const door of doors) modulesFrom(door, found);
const modules = [...found].map(([path, contents]) => ({
  type: "ESModule",
  path: `/dist/${path}`,
  contents,
}));
const app = readFileSync(new URL("app.mjs", import.meta.url), "utf8").replace(
  '"hipflask"',
  '"./dist/index.js"',
);
const main = `
import { sessions } from "./dist/adapters/fetch.js";
import { memoryStore } from "./dist/stores/memory.js";
import { respond } from "./app.mjs";
const store = ${isStored} ? { store: memoryStore() } : {};
const handle = sessions({ secretKey: "runtimes", ...store }, { onError: () => {} })(respond);
export default { fetch: (request) => handle(request) };
`;

const worker = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modulesRoot: "/",
  modules: [
    { type: "ESModule", path: "/main.mjs", contents: main },
    { type: "ESModule", path: "/app.mjs", contents: app },
    ...modules,
  ],
  compatibilityDate: "2025-09-01",
  compatibilityFlags: ["nodejs_compat"],
});
console.log((await worker.ready).port);
