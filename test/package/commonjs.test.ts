import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const packages = join(root, "test/commonjs/node_modules");
const skip = !existsSync(packages) && !process.env["CI"];
const note = skip ? " (skipped: `npm --prefix test/commonjs ci` installs what it needs)" : "";

/** An app that requires the drop-in, and prints what a visitor gets who comes three times. */
const APP = `
const app = express();
app.use(session({ secret: "keyboard cat", resave: false, saveUninitialized: false }));
app.get("/", (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  res.send(String(req.session.views));
});
const server = app.listen(0, "127.0.0.1", async () => {
  let cookie = "";
  const pages = [];
  for (let visit = 0; visit < 3; visit++) {
    const answer = await fetch("http://127.0.0.1:" + server.address().port + "/", { headers: { cookie } });
    cookie = answer.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
    pages.push(await answer.text());
  }
  server.close();
  server.closeAllConnections();
  console.log([typeof session, typeof session.MemoryStore, ...pages].join(" "));
});
`;
const PRINTED = "function function 1 2 3\n";

const programs: Readonly<Record<string, string>> = {
  "required.cjs": `const express = require("express");\nconst session = require("hipflask/express-session");${APP}`,
  "imported.mjs": `import express from "express";\nimport session from "hipflask/express-session";${APP}`,
  "equals.cts": `import express = require("express");\nimport session = require("hipflask/express-session");
declare module "hipflask/express-session" { interface SessionData { views: number } }${APP.replace("server.address()", "(server.address() as any)").replace("pages = []", "pages: string[] = []")}`,
};

const TEST = `
const { SessionManager, session } = require("hipflask");
const { sessionTransaction, testClient } = require("hipflask/testing");
const { sessions } = require("hipflask/fetch");
const dropIn = require("hipflask/express-session");

test("requires", () => expect([typeof dropIn, typeof dropIn.Store]).toEqual(["function", "function"]));

test("logs in", async () => {
  const manager = new SessionManager({ secretKey: "of a test in CommonJS" });
  const app = sessions(manager)(() => new Response(session.username ?? "stranger"));
  const client = testClient(app, { sessions: manager });
  await client.sessionTransaction(() => { session.username = "ada"; });
  expect(await (await client.get("/")).text()).toBe("ada");
});

test("says outside of a request what to do", () => expect(() => session.username).toThrow("sessionTransaction"));
`;

/** The same for the test runner of Node, as CommonJS and as a module. */
const onNode = (imports: string): string => `
${imports}

test("logs in", async () => {
  const manager = new SessionManager({ secretKey: "of a test on node:test" });
  const app = sessions(manager)(() => new Response(session.username ?? "stranger"));
  const client = testClient(app, { sessions: manager });
  await client.sessionTransaction(() => { session.username = "ada"; });
  assert.equal(await (await client.get("/")).text(), "ada");
});
`;
const NODE_TESTS: Readonly<Record<string, string>> = {
  "node-test.cjs": onNode(`const assert = require("node:assert/strict");
const { test } = require("node:test");
const { SessionManager, session } = require("hipflask");
const { sessions } = require("hipflask/fetch");
const { testClient } = require("hipflask/testing");`),
  "node-test.mjs": onNode(`import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionManager, session } from "hipflask";
import { sessions } from "hipflask/fetch";
import { testClient } from "hipflask/testing";`),
};

const STORE = `
import { storeFromUrl } from "hipflask/stores/from-url";

console.log((await storeFromUrl("memory:")).name.toLowerCase());
await storeFromUrl("mongodb://127.0.0.1:1/app").catch(({ code, message }) =>
  console.log(code, /npm install [a-z]+/.exec(message)[0]),
);
`;

describe.skipIf(skip)(`a CommonJS program${note}`, () => {
  let folder = "";

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hipflask-commonjs-"));
    mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
    const link = (from: string, name: string) => symlinkSync(from, join(folder, "node_modules", name), "dir");
    link(root, "hipflask");
    link(join(root, "node_modules/express"), "express");
    for (const name of [
      "node",
      "express",
      "express-serve-static-core",
      "qs",
      "body-parser",
      "serve-static",
      "send",
      "range-parser",
      "connect",
      "http-errors",
    ])
      link(join(root, "node_modules/@types", name), `@types/${name}`);
    link(join(root, "node_modules/undici-types"), "undici-types");
    for (const [name, text] of Object.entries({ ...programs, ...NODE_TESTS }))
      writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "package.json"), '{ "private": true }');
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          module: "nodenext",
          target: "es2022",
          strict: true,
          skipLibCheck: true,
          types: ["node"],
          preserveSymlinks: true,
        },
      }),
    );
    writeFileSync(join(folder, "session.test.js"), TEST);
    writeFileSync(join(folder, "store.mjs"), STORE);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (file: string, args: readonly string[] = []) =>
    promisify(execFile)(process.execPath, [file, ...args], { cwd: folder }).then(
      ({ stdout, stderr }) => ({ stdout, stderr }),
      (failure: { stdout: string; stderr: string }) => {
        throw new Error(`${failure.stdout}\n${failure.stderr}`);
      },
    );

  const esbuild = join(root, "node_modules/esbuild/bin/esbuild");
  const bundled = async (source: string, format: "cjs" | "esm") => {
    const out = `bundle-${source}-${format}.${format === "esm" ? "mjs" : "cjs"}`;
    const banner =
      'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
    await promisify(execFile)(
      esbuild,
      [
        source,
        "--bundle",
        "--platform=node",
        `--format=${format}`,
        `--outfile=${out}`,
        ...(format === "esm" ? [`--banner:js=${banner}`] : []),
      ],
      { cwd: folder },
    );
    return run(out);
  };

  const bundles = Object.keys(programs).flatMap((name) => [[name, "cjs"] as const, [name, "esm"] as const]);
  it.each(bundles)("runs %s bundled by esbuild as %s", async (source, format) =>
    expect((await bundled(source, format)).stdout).toBe(PRINTED),
  );

  it("bundles storeFromUrl without the clients that are not installed", async () => {
    const { stdout } = await bundled("store.mjs", "esm");
    expect(stdout).toBe("the memory store\nCONFIG npm install mongodb\n");
  });

  it.each(["required.cjs", "imported.mjs"])("runs %s", async (source) =>
    expect((await run(source)).stdout).toBe(PRINTED),
  );

  it.each(["required.cjs", "imported.mjs"])("runs %s with tsx", async (source) => {
    const tsx = join(root, "node_modules/tsx/dist/cli.mjs");
    expect((await run(tsx, [source])).stdout).toBe(PRINTED);
  });

  it("runs with ts-node, with types", async () => {
    const { stdout } = await run(join(packages, "ts-node/dist/bin.js"), ["equals.cts"]);
    expect(stdout).toBe(PRINTED);
  });

  it("runs bundled by ncc", async () => {
    await run(join(packages, "@vercel/ncc/dist/ncc/cli.js"), [
      "build",
      "required.cjs",
      "-o",
      "ncc",
      "--no-cache",
    ]);
    expect((await run("ncc/index.cjs")).stdout).toBe(PRINTED);
  });

  it.each(Object.keys(NODE_TESTS))("is tested with node:test, in %s", async (file) =>
    expect((await run("--test", [file])).stdout).toContain("pass 1"),
  );

  it("is tested with Jest, without settings", async () => {
    const { stderr } = await run(join(packages, "jest/bin/jest.js"), [
      "--rootDir",
      folder,
      "--no-watchman",
      "--runInBand",
    ]);
    expect(stderr).toContain("3 passed");
  });
});
