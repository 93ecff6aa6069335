// What sessions cost a Cloudflare worker: npm run bench:worker. Bundles small workers as wrangler does, and runs them in workerd.
// Writes its figures into docs/frameworks/workers.md.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const page = join(root, "docs/frameworks/workers.md");
const [FROM, TO] = ["<!-- npm run bench:worker writes from here -->", "<!-- to here -->"];

const ROUNDS = 5;
const REQUESTS = 2000;
const IN_FLIGHT = 16;
/** Ticks of a second in which Linux counts processor time. */
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

interface Subject {
  readonly title: string;
  readonly code: string;
  /** A cookie for its requests comes from here. */
  readonly begins?: string;
  readonly paths: Readonly<Record<string, string>>;
}

const HANDLER = `
const handler = (request) => {
  if (request.url.endsWith("/write")) session.count = (session.count ?? 0) + 1;
  return new Response(request.url.endsWith("/bare") ? "0" : String(session.count));
};`;

const subjects: readonly Subject[] = [
  {
    title: "no session",
    code: 'export default { fetch: () => new Response("0") };',
    paths: { "a request": "/bare" },
  },
  {
    title: "in the cookie",
    code: `import { session } from "hipflask";
import { sessions } from "hipflask/fetch";
${HANDLER}
export default { fetch: sessions({ secretKey: "of the bench" })(handler) };`,
    begins: "/write",
    paths: { "reads a key": "/read", "writes one": "/write" },
  },
  {
    title: "in Durable Objects",
    code: `import { session } from "hipflask";
import { sessions } from "hipflask/fetch";
import { durableObjectStore } from "hipflask/stores/durable-object";
export { HipflaskSession } from "hipflask/stores/durable-object";
${HANDLER}
let app;
export default {
  fetch: (request, env) =>
    (app ??= sessions({ secretKey: "of the bench", store: durableObjectStore(env.SESSIONS) })(handler))(request),
};`,
    begins: "/write",
    paths: { "reads a key": "/read", "writes one": "/write" },
  },
];

async function bundle(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    external: ["node:*"],
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

/** Processor time of a process so far, in microseconds. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6;
}

const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });

function get(url: URL, path: string, cookie: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), { agent, headers: { cookie } }, (response) => {
      const [line = ""] = response.headers["set-cookie"] ?? [];
      response.resume().on("end", () => resolve(line.split(";")[0]!));
      if (response.statusCode !== 200) reject(new Error(`${path} answered ${response.statusCode}`));
    });
    sent.on("error", reject).end();
  });
}

/** Microseconds of workerd for one request, of many with sessions of their own. */
async function cost(url: URL, pid: number, path: string, cookies: readonly string[]): Promise<number> {
  const before = cpuOf(pid);
  let next = 0;
  const visitor = async () => {
    while (next < REQUESTS) await get(url, path, cookies[next++ % cookies.length]!);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, visitor));
  return (cpuOf(pid) - before) / REQUESTS;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const { Miniflare } = createRequire(join(root, "test/databases/package.json"))("miniflare");

/** The process that `miniflare` started. */
function workerd(before: readonly string[]): number {
  const pid = children().find((child) => !before.includes(child));
  if (pid === undefined) throw new Error("workerd was not started");
  return Number(pid);
}

function children(): string[] {
  return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
}

const rows: string[] = [];
for (const { title, code, begins, paths } of subjects) {
  const script = await bundle(code);
  const kilobytes = `${(gzipSync(script).length / 1024).toFixed(1)} KiB`;
  const others = children();
  const worker = new Miniflare({
    modules: true,
    script,
    compatibilityDate: "2025-09-01",
    compatibilityFlags: ["nodejs_compat"],
    ...(script.includes("HipflaskSession") && {
      durableObjects: { SESSIONS: { className: "HipflaskSession", useSQLite: true } },
    }),
  });
  const url = (await worker.ready) as URL;
  const pid = workerd(others);
  const cookies = await Promise.all(
    Array.from({ length: IN_FLIGHT * 4 }, () => (begins === undefined ? "" : get(url, begins, ""))),
  );
  for (const [does, path] of Object.entries(paths)) {
    await cost(url, pid, path, cookies);
    const samples: number[] = [];
    for (let round = 0; round < ROUNDS; round++) samples.push(await cost(url, pid, path, cookies));
    rows.push(`| ${title} | ${does} | ${kilobytes} | ${Math.round(median(samples))} µs |`);
    console.log(rows.at(-1));
  }
  await worker.dispose();
}
agent.destroy();

const text = readFileSync(page, "utf8");
const [head, rest] = text.split(FROM);
const tail = rest?.split(TO)[1];
if (tail === undefined) throw new Error(`${page} has no place for the figures`);
const table = ["| sessions | a request | gzipped | CPU |", "|---|---|--:|--:|", ...rows].join("\n");
writeFileSync(page, `${head}${FROM}\n\n${table}\n\n${TO}${tail}`);
