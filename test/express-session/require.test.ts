import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Runs a program in an application of its own that has hipflask installed. */
async function run(name: string, program: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "hipflask-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/hipflask"), "dir");
  writeFileSync(join(folder, name), program);
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, name)], { cwd: folder });
  return JSON.parse(stdout);
}

const tell = `
  const util = require("node:util");
  function Old() { session.Store.call(this); }
  util.inherits(Old, session.Store);
  class New extends session.Store {}
  const heard = [];
  for (const store of [new Old(), new New()]) store.on("connect", () => heard.push(store instanceof session.Store)).emit("connect");
  const names = ["Session", "Store", "Cookie", "MemoryStore"].filter((name) => typeof session[name] === "function");
  console.log(JSON.stringify([typeof session, typeof session({ secret: "a", resave: false, saveUninitialized: false }), names, heard]));
`;
const expected = ["function", "function", ["Session", "Store", "Cookie", "MemoryStore"], [true, true]];

describe("hipflask/express-session", () => {
  it("is the function itself to require(), with the classes on it, for stores old and new", async () => {
    expect(await run("app.cjs", `const session = require("hipflask/express-session");${tell}`)).toEqual(
      expected,
    );
  });

  it("is the same as a default import", async () => {
    const head = `import session from "hipflask/express-session"; import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;
    expect(await run("app.mjs", head + tell)).toEqual(expected);
  });

  it("has named exports that are those on the function", async () => {
    const program = `
      import session, * as all from "hipflask/express-session";
      const { Session, Store, Cookie, MemoryStore, session: named } = all;
      console.log(JSON.stringify([named === session, session.Session === Session, session.Store === Store,
        session.Cookie === Cookie, session.MemoryStore === MemoryStore]));`;
    expect(await run("app.mjs", program)).toEqual([true, true, true, true, true]);
  });
});
