import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type AppServer } from "./server.ts";
import { storeConversations } from "./store-conversations.ts";
import { memory, services, sqlite, type RuntimeStore } from "./stores.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const everything = Boolean(process.env["CI"] || process.env["HIPFLASK_FULL"]);
const platform = `${process.platform}-${process.arch}`;

interface Runtime {
  readonly name: string;
  /** How it comes from npm. Fetching them all takes a minute. */
  readonly packages: readonly string[];
  /** How it is started, before the script and its argument. */
  readonly command: readonly string[];
  readonly script?: string;
  readonly stores: readonly RuntimeStore[];
}

const stores = [memory, sqlite, ...services];

const runtimes: readonly Runtime[] = [
  {
    name: "Node 20",
    packages: [`node20@npm:node-${platform}@20.19.0`],
    command: ["node_modules/node20/bin/node"],
    stores,
  },
  {
    name: "Node 22",
    packages: [`node22@npm:node-${platform}@22.23.3`],
    command: ["node_modules/node22/bin/node"],
    stores,
  },
  {
    name: "Node 24",
    packages: [`node24@npm:node-${platform}@24.21.0`],
    command: ["node_modules/node24/bin/node"],
    stores,
  },
  { name: "Bun", packages: ["bun@1.4.5"], command: ["node_modules/.bin/bun"], stores },
  { name: "Deno", packages: ["deno@2.9.6"], command: ["node_modules/.bin/deno", "run", "-A"], stores },
  {
    name: "workerd",
    packages: ["miniflare@4.20260730.0"],
    command: [process.execPath],
    script: "serve-worker.mjs",
    // Workers speak no protocol of a database; what their isolate remembers is theirs.
    stores: [memory],
  },
];

const here: Runtime = {
  name: `this Node, ${process.version}`,
  packages: [],
  command: [process.execPath],
  stores: [memory],
};
const elysia = { packages: ["elysia@1.4.30"] };
const tested = everything ? [here, ...runtimes] : [here];

let project = "";

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "hipflask-runtimes-"));
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], {
    cwd: root,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(join(project, "package.json"), '{ "type": "module", "private": true }\n');
  for (const file of ["app.mjs", "serve.mjs", "serve-worker.mjs", "serve-elysia.ts"]) {
    await cp(join(import.meta.dirname, file), join(project, file));
  }
  const recipe = join(root, "test/frameworks/recipes/elysia.ts");
  await cp(recipe, join(project, "elysia.ts"));
  const needed = [...runtimes, ...stores, elysia];
  const packages = everything ? needed.flatMap(({ packages }) => packages) : [];
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
  : " (other runtimes and their stores are skipped: fetching them takes a while; set HIPFLASK_FULL=1)";
describe.each(tested)(`hipflask on $name${note}`, ({ command, script = "serve.mjs", stores }) => {
  const start = (...args: string[]) => startServer([...command, script, ...args], project);
  let server: AppServer;
  const visit: AppServer["visit"] = (...request) => server.visit(...request);

  beforeAll(async () => {
    server = await start();
  }, 60_000);

  afterAll(() => server.close());

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

  it("carries Python's types, and what changed inside them", async () => {
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

  for (const store of stores) {
    describe.skipIf(store.skip)(`with sessions in ${store.name}`, () => {
      storeConversations(store, start);
    });
  }
});

describe.skipIf(!everything).each(["cookie", "store"])(
  `the recipe for Elysia, on Bun's own server, with sessions in a %s${note}`,
  (place) => {
    let server: AppServer;
    const visit: AppServer["visit"] = (...request) => server.visit(...request);
    const logIn = async (username: string) =>
      (await visit("/login", "", { method: "POST", body: new URLSearchParams({ username }) })).cookie;

    beforeAll(async () => {
      server = await startServer(["node_modules/.bin/bun", "serve-elysia.ts", place], project);
    });

    afterAll(() => server.close());

    it("logs in by a form, keeps what was written before an error, and logs out", async () => {
      const ada = await logIn("ada");
      expect((await visit("/", ada)).body).toBe("hello, ada\n");
      const first = await visit("/pay", ada, { method: "POST" });
      expect([first.status, first.body]).toEqual([402, "attempt 1: no money"]);
      const second = await visit("/pay", first.cookie || ada, { method: "POST" });
      expect(second.body).toBe("attempt 2: no money");
      const logout = await visit("/logout", second.cookie || ada, { method: "POST" });
      expect([logout.status, logout.cookie]).toEqual([303, "session="]);
      expect((await visit("/", ada)).body).toBe(place === "store" ? "hello, stranger\n" : "hello, ada\n");
    });

    it("never mixes 200 parallel requests of two visitors", async () => {
      const cookies = await Promise.all([logIn("ada"), logIn("bob")]);
      const answers = await Promise.all(Array.from({ length: 200 }, (_, at) => visit("/", cookies[at % 2])));
      answers.forEach(({ body }, at) => expect(body).toBe(at % 2 === 0 ? "hello, ada\n" : "hello, bob\n"));
    });
  },
);
