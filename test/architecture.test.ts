import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { importsOf, moduleOf, readModules } from "./architecture/modules.ts";
import { subpaths } from "./support/public-api.ts";
import type { Warm } from "./architecture/warm-request.ts";
import { cycles, homeFaults, readRooms, roomFaults, type Homes } from "./architecture/rules.ts";

/** Who may import whom, as ARCHITECTURE.md has it. `import type` counts: a reader has to read the types too. */
const rooms = readRooms(readFileSync(join(import.meta.dirname, "../ARCHITECTURE.md"), "utf8"));

/** What the core may use: the platform, but no socket and no file. */
const platform = [
  "node:async_hooks",
  "node:buffer",
  "node:crypto",
  "node:diagnostics_channel",
  "node:timers",
  "node:timers/promises",
  "node:url",
  "node:util/types",
];

/** Everything else is imported only where it is at home: paths, or beginnings of paths. A new adapter adds its line. */
const homes: Homes = {
  "node:assert": ["testing/"],
  "node:child_process": ["testing/", "cli/"],
  "node:events": ["adapters/parts/node-exchange", "adapters/parts/node-response", "express-session/"],
  "node:fs": ["cli/", "testing/", "stores/sqlite"],
  "node:http": ["adapters/", "express-session/", "inspector/", "testing/", "cli/"],
  "node:http2": ["adapters/parts/held-stream"],
  "node:module": ["stores/sqlite"],
  "node:net": ["testing/", "cli/"],
  "node:path": ["cli/", "testing/", "stores/sqlite"],
  "node:process": ["cli/"],
  "node:readline": ["cli/"],
  "node:sqlite": ["stores/sqlite"],
  "node:stream": ["adapters/express", "express-session/"],
  "node:tls": ["adapters/parts/node-exchange", "express-session/"],
  "node:util": ["cli/"],
  "node:zlib": ["itsdangerous/encoding"],
  "@aws-sdk/client-dynamodb": ["stores/from-url"],
  "@aws-sdk/lib-dynamodb": ["stores/from-url"],
  "@libsql/client": ["stores/from-url"],
  "@redis/client": ["stores/redis", "stores/from-url"],
  "@upstash/redis": ["stores/from-url"],
  express: ["adapters/express", "express-session/"],
  "express-session": ["express-session/request-types"],
  fastify: ["adapters/fastify"],
  h3: ["adapters/h3", "adapters/nuxt"],
  hono: ["adapters/hono"],
  ioredis: ["stores/redis", "stores/from-url"],
  koa: ["adapters/koa"],
  libsql: ["stores/sqlite"],
  memcached: ["stores/from-url"],
  mongodb: ["stores/from-url"],
  mysql2: ["stores/mysql", "stores/from-url"],
  next: ["adapters/next"],
  pg: ["stores/postgres", "stores/from-url"],
  "react-router": ["adapters/react-router"],
  "tough-cookie": ["testing/cookie-jar"],
};

const src = join(import.meta.dirname, "../src");
const modules = readModules(src);

describe("src", () => {
  it("imports only what the table in ARCHITECTURE.md allows", () => {
    expect(rooms.size).toBeGreaterThan(20);
    expect(roomFaults(modules, rooms)).toEqual([]);
  });

  it("is what that table names, and nothing else", () => {
    const isThere = (room: string) =>
      modules.some(({ path }) => path === room || (room.endsWith("/") && path.startsWith(room)));
    expect([...rooms.keys()].filter((room) => !isThere(room))).toEqual([]);
  });

  it("has no import cycle", () => expect(cycles(modules)).toEqual([]));

  it("imports a framework, a driver or a socket only in its own file", () =>
    expect(homeFaults(modules, homes, platform)).toEqual([]));

  it("imports types alone from what Node loads slowly, outside of the command line", () => {
    const slow = /^import (?!type\b)[^;]*? from "node:(?:https?|http2|util|zlib)"/m;
    const isSlow = (path: string) => slow.test(readFileSync(join(src, path), "utf8"));
    const slowOnes = modules.map(({ path }) => path).filter(isSlow);
    expect(slowOnes.filter((path) => !path.startsWith("cli/"))).toEqual([]);
    expect(slowOnes).not.toEqual([]);
  });

  it("has nothing but doors in adapters/ and stores/; what they are made of is below", () => {
    const doors = new Set(subpaths().values());
    const others = modules.filter(({ path }) => /^(?:adapters|stores)\/[^/]+$/.test(path));
    expect(others.length).toBeGreaterThan(20);
    expect(others.map(({ path }) => path).filter((path) => !doors.has(`src/${path}`))).toEqual([]);
  });

  it("has no index.ts inside a folder and no shared types.ts", () => {
    const barrels = modules
      .map(({ path }) => path)
      .filter((path) => /\/index\.ts$|(^|\/)types\.ts$/.test(path));
    expect(barrels).toEqual([]);
  });

  it("imports files of its own by their full name", () => {
    const vague = modules.flatMap(({ path, imports }) =>
      imports
        .filter((target) => !modules.some((module) => module.path === target))
        .map((to) => `${path}: ${to}`),
    );
    expect(vague).toEqual([]);
  });

  afterAll(() => {
    const long = modules
      .filter(({ lines }) => lines > 250)
      .map(({ path, lines }) => `${path}: ${lines} lines`);
    if (long.length > 0) console.log(`Files of more than 250 lines:\n  ${long.join("\n  ")}`);
  });
});

describe("a warm request", () => {
  it("goes through the layers of the table; how many modules and frames that are is a report", async () => {
    const script = join(import.meta.dirname, "architecture/warm-request.ts");
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script]);
    const programs = JSON.parse(stdout) as Record<string, Warm>;
    const report = Object.entries(programs).map(([name, { modules: ran, frames }]) => {
      const through = frames.length > 0 ? `, ${frames.length} frames in ${new Set(frames).size} files` : "";
      return `${name}: ${ran.length} modules${through}`;
    });
    console.log(`One warm request that reads and writes its session:\n  ${report.join("\n  ")}`);
    expect(programs["Hono, in a cookie"]!.modules).toContain("codecs/flask.ts");
    expect(programs["the drop-in"]!.modules).toContain("express-session/store.ts");
    const { frames } = programs["Express, in Redis"]!;
    expect([frames[0], frames.at(-1)]).toEqual(["stores/redis/store.ts", "adapters/express.ts"]);
    for (const step of [
      "adapters/parts/held-response.ts",
      "request/context.ts",
      "interfaces/store.ts",
      "stores/parts/commit.ts",
    ])
      expect(frames).toContain(step);
  });
});

describe("secrets", () => {
  const sources = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => ({ path, code: readFileSync(join(src, path), "utf8").replaceAll(/^\s*\*.*$/gm, "") }));
  const files = (pattern: RegExp) =>
    sources.flatMap(({ path, code }) => (pattern.test(code) ? path : [])).toSorted();

  it("come from the platform's random source; weaker ones only spread waits (SEC-1)", () => {
    expect(files(/Math\s*\.\s*random|randomUUID|pseudoRandomBytes/)).toEqual([
      "stores/parts/store-calls.ts",
      "stores/parts/sweep.ts",
      "stores/sqlite/database.ts",
      "testing/store-kit/kit.ts",
    ]);
  });

  it("are compared in constant time (SEC-3)", () => {
    const secret = String.raw`(?:verifier|verifierHash|presented|previousHash|signature)\b`;
    const compared = new RegExp(
      String.raw`${secret}\s*[!=]==(?!\s*(?:null|undefined|"))|[!=]==\s*[\w.!?]*${secret}`,
    );
    expect(files(compared)).toEqual([]);
  });
});

describe("the checker", () => {
  const module = (path: string, ...imports: string[]) =>
    moduleOf(path, imports.map((name) => `import type { X } from "${name}";\n`).join(""));
  const plan = readRooms(`
| room | holds | imports from |
|---|---|---|
| \`ground.ts\` | what all use | |
| \`left/\`, \`right.ts\` | the middle | \`ground.ts\` |
| \`top.ts\` | the top | \`left/\` |
`);

  it("sees an upward import, a sideways one, and a file without a room", () => {
    const sound = [module("ground.ts"), module("left/a.ts", "./b.ts", "../ground.ts"), module("left/b.ts")];
    expect(roomFaults(sound, plan)).toEqual([]);
    expect(roomFaults([module("top.ts", "./ground.ts", "./left/a.ts")], plan)).toEqual([]);
    expect(roomFaults([module("ground.ts", "./top.ts")], plan)).toEqual(["ground.ts imports top.ts"]);
    expect(roomFaults([module("left/a.ts", "../right.ts")], plan)).toEqual(["left/a.ts imports right.ts"]);
    expect(roomFaults([module("top.ts", "./right.ts")], plan)).toEqual(["top.ts imports right.ts"]);
    expect(roomFaults([module("stray.ts")], plan)).toEqual(["stray.ts is in no room"]);
  });

  it("sees a cycle, also one of types and of a single file", () => {
    const ring = [module("a.ts", "./b.ts"), module("b.ts", "./c.ts"), module("c.ts", "./a.ts")];
    expect(cycles(ring)).toEqual(["a.ts → b.ts → c.ts → a.ts"]);
    expect(cycles([module("a.ts", "./a.ts")])).toEqual(["a.ts → a.ts"]);
    expect(cycles([module("a.ts", "./b.ts", "./c.ts"), module("b.ts", "./c.ts"), module("c.ts")])).toEqual(
      [],
    );
  });

  it("sees a package away from home", () => {
    const rules = { hono: ["adapters/hono.ts"], "@scope/name": ["stores/"] };
    const check = (path: string, name: string) => homeFaults([module(path, name)], rules, ["node:crypto"]);
    expect(check("adapters/hono.ts", "hono/tiny")).toEqual([]);
    expect(check("stores/a.ts", "@scope/name/deep")).toEqual([]);
    expect(check("session.ts", "node:crypto")).toEqual([]);
    expect(check("session.ts", "hono")).toEqual(["session.ts imports hono"]);
    expect(check("session.ts", "node:net")).toEqual(["session.ts imports node:net, which has no home"]);
  });

  it("reads every form of import, and none in comments", () => {
    const source = `
import "./effect.ts";
import value, { type A } from "./value.ts";
import {
  many,
  lines,
} from "./lines.ts";
export * from "./star.ts";
export type { B } from "./type.ts";
const lazy = () => import("./lazy.ts");
type C = import("./typed.ts").C;
/**
 * import { no } from "./comment.ts";
 */
  // import("./comment.ts")
export interface Empty {
  /** import no from "./inline.ts" */
}
export const from = "./string.ts";
`;
    expect(importsOf(source)).toEqual(
      ["effect", "value", "lines", "star", "type", "lazy", "typed"].map((name) => `./${name}.ts`),
    );
  });
});
