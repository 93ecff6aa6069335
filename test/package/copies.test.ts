import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/**
 * A server of one copy, whose handler uses another one: `session`, `getSession`, `instanceof`, a manager, and what looks
 * inside a session. Prints what the visitor got, as JSON.
 */
const program = (server: string, handler: string) => `
const { createServer } = require("node:http");
(async () => {
  const { sessions } = await ${server}("/node");
  const { SessionManager: Manager, ConfigError: Refusal } = await ${server}("");
  const { session, getSession, hasSession, stateOf, Float, ConfigError, SessionManager } = await ${handler}("");
  const manager = new Manager({ secretKey: "an example's secret, long enough" });
  const own = await ${handler}("/node");
  const outside = hasSession();
  const app = createServer(
    sessions(manager)((request, response) => {
      session.username = "ada";
      let inside;
      try {
        inside = [...stateOf(session).keys()].join();
      } catch (error) {
        inside = error.message;
      }
      const answer = {
        same: getSession(request).username,
        current: hasSession(),
        outside,
        error: new Refusal("x") instanceof ConfigError,
        foreign: new TypeError("x") instanceof ConfigError,
        manager: manager instanceof SessionManager && SessionManager.from(manager) === manager,
        float: new Float(1) instanceof Float,
        inside,
      };
      response.end(JSON.stringify(answer));
    }),
  );
  // The adapter of the other copy takes the manager of this one.
  own.sessions(manager);
  app.listen(0, "127.0.0.1", async () => {
    const response = await fetch("http://127.0.0.1:" + app.address().port);
    console.log(await response.text(), response.headers.get("set-cookie").startsWith("session="));
    app.close();
    app.closeAllConnections();
  });
})();
`;

const MODULES = `((subpath) => import("hipflask" + subpath))`;
const COMMONJS = `((subpath) => require("hipflask" + subpath))`;
const SECOND = `((subpath) => require("second/node_modules/hipflask" + (subpath === "" ? "/dist/index.cjs" : "/dist/adapters/node.cjs")))`;
const OTHER_VERSION = SECOND.replace("second", "other");

const works = {
  same: "ada",
  current: true,
  outside: false,
  error: true,
  foreign: false,
  manager: true,
  float: true,
};

let project = "";

beforeAll(async () => {
  project = await realpath(await mkdtemp(join(tmpdir(), "hipflask-copies-")));
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", project];
  const [{ filename }] = JSON.parse((await run("npm", pack, { cwd: root })).stdout) as [{ filename: string }];
  await writeFile(join(project, "package.json"), '{ "private": true }\n');
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(project, filename)], {
    cwd: project,
  });
  const installed = join(project, "node_modules/hipflask");
  for (const owner of ["second", "other"]) {
    await cp(installed, join(project, "node_modules", owner, "node_modules/hipflask"), { recursive: true });
  }
  const shared = join(project, "node_modules/other/node_modules/hipflask/dist/shared");
  for (const name of (await readdir(shared)).filter((file) => file.startsWith("core."))) {
    const code = await readFile(join(shared, name), "utf8");
    if (!code.includes('"0.1.0"')) throw new Error(`${name} has no version to change`);
    await writeFile(join(shared, name), code.replaceAll("0.1.0", "0.9.0"));
  }
});

afterAll(() => rm(project, { recursive: true, force: true }));

const outcome = async (server: string, handler: string) => {
  await writeFile(join(project, "program.cjs"), program(server, handler));
  const { stdout } = await run(process.execPath, ["program.cjs"], { cwd: project, timeout: 30_000 });
  expect(stdout.trim()).toMatch(/ true$/);
  return JSON.parse(stdout.trim().slice(0, -" true".length)) as unknown;
};

describe("a program with two copies of hipflask", () => {
  it.each([
    ["modules, used by CommonJS", MODULES, COMMONJS],
    ["CommonJS, used by modules", COMMONJS, MODULES],
    ["one installation, used by another one", COMMONJS, SECOND],
  ])("has one session: %s", async (_, server, handler) => {
    expect(await outcome(server, handler)).toEqual({ ...works, inside: "username" });
  });

  it("has one session with two versions, and says which they are to what looks inside", async () => {
    const modules = join(project, "node_modules");
    expect(await outcome(MODULES, OTHER_VERSION)).toEqual({
      ...works,
      inside: expect.stringMatching(
        new RegExp(
          `Two copies of hipflask are loaded, 0.1.0 from ${modules}/hipflask and 0.9.0 from ${modules}/other/node_modules/hipflask: see \`npm ls hipflask\`\\. See https`,
        ),
      ),
    });
  });
});
