import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const everything = Boolean(process.env["CI"] || process.env["HIPFLASK_FULL"]);
const platform = `${process.platform}-${process.arch}`;

/** How each runtime comes from npm, and how it is started. Fetching them all takes a minute. */
const runtimes = [
  {
    name: "Node 20",
    packages: [`node20@npm:node-${platform}@20.19.0`],
    command: ["node_modules/node20/bin/node"],
  },
  {
    name: "Node 22",
    packages: [`node22@npm:node-${platform}@22.23.3`],
    command: ["node_modules/node22/bin/node"],
  },
  {
    name: "Node 24",
    packages: [`node24@npm:node-${platform}@24.21.0`],
    command: ["node_modules/node24/bin/node"],
  },
  { name: "Bun", packages: ["bun@1.4.5"], command: ["node_modules/.bin/bun"] },
  { name: "Deno", packages: ["deno@2.9.6"], command: ["node_modules/.bin/deno", "run", "-A"] },
  {
    name: "workerd",
    packages: ["miniflare@4.20260730.0"],
    command: [process.execPath],
    script: "serve-worker.mjs",
  },
];

const here = { name: `this Node, ${process.version}`, packages: [], command: [process.execPath] };
const tested: readonly { name: string; command: string[]; script?: string }[] = everything
  ? [here, ...runtimes]
  : [here];

let project = "";

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "hipflask-runtimes-"));
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], {
    cwd: root,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(join(project, "package.json"), '{ "type": "module", "private": true }\n');
  for (const file of ["app.mjs", "serve.mjs", "serve-worker.mjs"]) {
    await cp(join(import.meta.dirname, file), join(project, file));
  }
  const packages = everything ? runtimes.flatMap((runtime) => runtime.packages) : [];
  const source = everything ? [] : ["--offline"];
  // Bun, Deno and workerd link their binaries when they are installed.
  const install = [
    "install",
    "--no-audit",
    "--no-fund",
    "--foreground-scripts",
    ...source,
    join(project, filename),
    ...packages,
  ];
  await run("npm", install, { cwd: project, maxBuffer: 1 << 26 });
}, 300_000);

afterAll(() => rm(project, { recursive: true, force: true }));

const note = everything
  ? ""
  : " (the other runtimes are skipped: fetching them takes a while; set HIPFLASK_FULL=1)";
describe.each(tested)(`hipflask on $name${note}`, ({ command, script = "serve.mjs" }) => {
  let server: ChildProcess;
  let origin = "";

  beforeAll(async () => {
    const [executable, ...args] = command as [string, ...string[]];
    server = spawn(executable, [...args, script], { cwd: project, stdio: ["ignore", "pipe", "inherit"] });
    const started = once(createInterface({ input: server.stdout! }), "line") as Promise<[string]>;
    const ended = once(server, "exit").then(([code]) => {
      throw new Error(`${script} ended with ${code} before it was serving.`);
    });
    const [port] = await Promise.race([started, ended]);
    origin = `http://127.0.0.1:${port}`;
  }, 60_000);

  afterAll(() => server.kill());

  async function visit(path: string, cookie = "") {
    const response = await fetch(origin + path, {
      headers: cookie === "" ? {} : { cookie },
      redirect: "manual",
    });
    const [line = ""] = response.headers.getSetCookie();
    return {
      status: response.status,
      body: await response.text(),
      line,
      cookie: line.split(";")[0]!,
      headers: response.headers,
    };
  }

  it("greets, logs in, recognises, logs out", async () => {
    expect(await visit("/")).toMatchObject({ body: "hello, stranger", line: "" });
    const { line, cookie, headers } = await visit("/login/ada");
    expect(line).toMatch(/^session=eyJ1c2VybmFtZSI6ImFkYSJ9\.[\w-]+\.[\w-]{27}; HttpOnly; Path=\/$/);
    expect([headers.get("vary"), headers.get("cache-control")]).toEqual(["Cookie", "no-store"]);
    expect((await visit("/", cookie)).body).toBe("hello, ada");
    expect((await visit("/", `${cookie}x`)).body).toBe("hello, stranger");
    expect((await visit("/logout", cookie)).line).toMatch(
      /^session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0/,
    );
  });

  it("leaves no trace on a response that did not touch its session", async () => {
    const { headers, line } = await visit("/untouched", (await visit("/login/ada")).cookie);
    expect([line, headers.get("vary"), headers.get("cache-control")]).toEqual(["", null, null]);
  });

  it.each([
    ["/redirect", 303, "hello, redirected"],
    ["/throws", 500, "hello, failed"],
    ["/stream", 200, "hello, streamed"],
  ])("saves with %s", async (path, status, greeting) => {
    const answer = await visit(path);
    expect(answer.status).toBe(status);
    expect((await visit("/", answer.cookie)).body).toBe(greeting);
  });

  it("reads in a stream, and refuses to write there", async () => {
    expect((await visit("/stream")).body).toBe("one,streamed");
    expect((await visit("/late")).body).toBe("refused");
  });

  it("carries Python's types, and what changed inside of them", async () => {
    const { body, cookie } = await visit("/values");
    expect(body).toBe("1,255 1970-01-01T00:00:00.000Z 1180591620717411303424 0");
    expect((await visit("/values", cookie)).body).toBe(
      "1,255 1970-01-01T00:00:00.000Z 1180591620717411303424 0,1",
    );
  });

  it("compresses what is long", async () => {
    const { cookie } = await visit("/long");
    expect(cookie).toMatch(/^session=\./);
    expect((await visit("/long/length", cookie)).body).toBe("20000");
  });

  it("never mixes 200 parallel requests of two visitors", async () => {
    const [ada, bob] = [(await visit("/login/ada")).cookie, (await visit("/login/bob")).cookie];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => visit("/mixed", at % 2 === 0 ? ada : bob)),
    );
    answers.forEach(({ body }, at) => expect(body).toBe(at % 2 === 0 ? "ada/ada" : "bob/bob"));
  });
});
