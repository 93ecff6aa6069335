// Serves the app on workerd, through Miniflare, and prints its port.
import { readdirSync, readFileSync } from "node:fs";
import { Miniflare } from "miniflare";

const dist = new URL("node_modules/hipflask/dist/", import.meta.url);
// What talks to a database or a framework stays at home: a worker's bundler would not take it along either.
const isCore = (path) =>
  path.endsWith(".js") && !/^(stores|testing|cli|accepts|adapters(?!\/(fetch|error-page)))/.test(path);
const needed = /^stores\/(token|transact|time-limit|store-error|store|sweep)\.js$/;
const modules = readdirSync(dist, { recursive: true })
  .filter((path) => isCore(path) || needed.test(path))
  .map((path) => ({
    type: "ESModule",
    path: `/dist/${path}`,
    contents: readFileSync(new URL(path, dist), "utf8"),
  }));
const app = readFileSync(new URL("app.mjs", import.meta.url), "utf8").replace(
  '"hipflask"',
  '"./dist/index.js"',
);
const main = `
import { sessions } from "./dist/adapters/fetch.js";
import { respond } from "./app.mjs";
const handle = sessions({ secretKey: "runtimes" }, { onError: () => {} })(respond);
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
