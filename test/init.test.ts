import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { FRAMEWORKS } from "../src/cli/init/frameworks.ts";
import { STORES } from "../src/cli/init/stores.ts";
import { commandLine } from "./support/command-line.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A project of the given files; those of the names `tsconfig.json` and `src/` say what it is. */
function project(
  manifest: object = { dependencies: { express: "*" }, type: "module" },
  files: readonly string[] = [],
) {
  const folder = mkdtempSync(join(tmpdir(), "hipflask-init-"));
  folders.push(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  for (const name of files) {
    if (name.endsWith("/")) mkdirSync(join(folder, name));
    else writeFileSync(join(folder, name), "");
  }
  return {
    init: (...args: string[]) => commandLine(["init", ...args], { cwd: folder }),
    answer: (...answers: string[]) => commandLine(["init"], { cwd: folder, answers }),
    read: (name: string) => readFileSync(join(folder, name), "utf8"),
    write: (name: string, text: string) => writeFileSync(join(folder, name), text),
    names: () => readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted(),
    mode: (name: string) => statSync(join(folder, name)).mode & 0o777,
  };
}

describe("hipflask init", () => {
  it("writes the sessions of an app, a key, and what Git is to leave out", async () => {
    const { init, read, names, mode } = project();
    const { code, out, err } = await init();
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(names()).toEqual([".env", ".gitignore", "package.json", "sessions.js"]);
    expect(read("sessions.js")).toBe(`import { sessions } from "hipflask/express";

export const withSessions = sessions({
  secretKey: process.env.SECRET_KEY,
  cookieSameSite: "Lax",
  cookieSecure: process.env.NODE_ENV === "production",
});
`);
    const { SECRET_KEY, ...others } = parseEnv(read(".env"));
    expect(Buffer.from(SECRET_KEY!, "base64url")).toHaveLength(32);
    expect(others).toEqual({});
    expect(mode(".env")).toBe(0o600);
    expect(read(".gitignore")).toBe(".env\n");
    expect(out).not.toContain(SECRET_KEY);
    for (const line of [
      "npm install hipflask",
      'import { withSessions } from "./sessions.js";',
      "app.use(withSessions);",
    ])
      expect(out).toContain(`\n    ${line}\n`);
  });

  it("writes for TypeScript and into src where the project has them", async () => {
    const { init, names, read } = project({ devDependencies: { hono: "*" } }, ["tsconfig.json", "src/"]);
    const { out } = await init("--store", "sqlite");
    expect(names()).toContain(join("src", "sessions.ts"));
    expect(read("src/sessions.ts")).toContain("interface SessionData");
    expect(read("src/sessions.ts")).toContain('  store: sqliteStore("sessions.db"),\n');
    expect(parseEnv(read(".env"))["SESSION_STORE"]).toBe("sqlite:sessions.db");
    expect(read(".gitignore")).toBe(".env\nsessions.db*\n");
    expect(out).toContain("npx tsx --env-file=.env");
  });

  it("writes CommonJS where that is what package.json says", async () => {
    const { init, read } = project({ dependencies: { koa: "*" } });
    const { out } = await init("--store", "redis");
    expect(read("sessions.js")).toBe(`const { sessions } = require("hipflask/koa");
const { redisStore } = require("hipflask/stores/redis");
const { Redis } = require("ioredis");

const redis = new Redis(process.env.SESSION_STORE ?? "", { lazyConnect: true });
redis.on("error", console.error);

exports.withSessions = sessions({
  secretKey: process.env.SECRET_KEY,
  cookieSameSite: "Lax",
  cookieSecure: process.env.NODE_ENV === "production",
  store: redisStore(redis),
});
`);
    expect(out).toContain('    const { withSessions } = require("./sessions.js");\n');
    expect(out).toContain("npm install hipflask ioredis");
  });

  it("keeps what is there, and adds what is missing", async () => {
    const { init, read, write } = project(undefined, []);
    write(".env", "OTHER=1\nSECRET_KEY=mine");
    write(".gitignore", "node_modules\n.env*");
    await init("--store", "sqlite");
    expect(read(".env")).toBe("OTHER=1\nSECRET_KEY=mine\nSESSION_STORE=sqlite:sessions.db\n");
    expect(read(".gitignore")).toBe("node_modules\n.env*\nsessions.db*\n");
    const before = [read(".env"), read("sessions.js"), read(".gitignore")];
    const again = await init("--store", "sqlite");
    expect(again.code).toBe(0);
    expect([read(".env"), read("sessions.js"), read(".gitignore")]).toEqual(before);
  });

  it("leaves a file of the app's alone, and shows what belongs into it", async () => {
    const { init, read, write } = project({ dependencies: { "@sveltejs/kit": "*" } }, [
      "tsconfig.json",
      "src/",
    ]);
    write("src/hooks.server.ts", "export const handle = mine;\n");
    const { code, err } = await init();
    expect(code).toBe(1);
    expect(err).toContain("src/hooks.server.ts already exists and was not changed.");
    expect(err).toContain("  secretKey: env.SECRET_KEY,\n");
    expect(read("src/hooks.server.ts")).toBe("export const handle = mine;\n");
  });

  it("reads the environment in Astro as Astro does", async () => {
    const { init, read } = project({ dependencies: { astro: "*" }, type: "module" }, ["tsconfig.json"]);
    expect((await init("--store", "redis")).code).toBe(0);
    const code = read("src/middleware.ts");
    for (const line of [
      'import { getSecret } from "astro:env/server";',
      'const redis = new Redis(getSecret("SESSION_STORE") ?? "", { lazyConnect: true });',
      '  secretKey: getSecret("SECRET_KEY"),',
      "  cookieSecure: import.meta.env.PROD,",
    ])
      expect(code).toContain(`${line}\n`);
  });

  it("asks, by number or by name, until it gets an answer", async () => {
    const { answer, names, read } = project({ dependencies: { express: "*" }, type: "module" });
    const { code, out } = await answer("", "postgers", "4");
    expect(code).toBe(0);
    expect(out).toContain("framework [express]: ");
    expect(out).toMatch(/store \[cookie\]: store \[cookie\]: /);
    expect(names()).toContain("sessions.js");
    expect(read("sessions.js")).toContain('from "hipflask/stores/postgres"');
    expect(out).toContain("npx hipflask schema postgres | psql");

    const other = project({});
    expect((await other.answer("hono", "")).code).toBe(0);
    expect(other.read("sessions.js")).toContain("hipflask/hono");
  });

  it("does not ask with --yes, or without a terminal", async () => {
    const { init } = project();
    expect((await init("--yes")).code).toBe(0);
    const { code, err } = await project({}).init();
    expect(code).toBe(2);
    expect(err).toContain("--framework next|sveltekit|");
  });

  it("says that a folder is no project", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hipflask-init-"));
    folders.push(folder);
    const { code, err } = await commandLine(["init", "--framework", "hono"], { cwd: folder });
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining("npm init -y") });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(Object.entries(FRAMEWORKS))("recognises %s by its package", async (name, { dependency, door }) => {
    const { init, names, read } = project({ dependencies: { [dependency]: "*", express: "*" } }, [
      "tsconfig.json",
    ]);
    expect((await init()).code).toBe(0);
    const file = names().find((path) => path.endsWith(".ts"))!;
    expect(read(file)).toContain(`from "${name === "express" ? "hipflask/express" : door}"`);
  });

  it.each(Object.keys(STORES))("says what to install for %s", async (store) => {
    const { out } = await project().init("--store", store);
    expect(out).toContain(`npm install ${["hipflask", ...STORES[store]!.packages].join(" ")}\n`);
  });
});
