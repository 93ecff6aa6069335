import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ecosystem } from "../support/ecosystem.ts";

const { skip, note } = ecosystem();
const root = join(import.meta.dirname, "../..");
const packages = join(root, "test/ecosystem/node_modules");

const IMPORTS = [
  'import express from "express";',
  'import session from "hipflask/express-session";',
  'import { RedisStore } from "connect-redis";',
  'import connectPgSimple from "connect-pg-simple";',
  'import passport from "passport";',
  'import { createClient } from "redis";',
];

/** An app as it was written for express-session: only the second import is another one. */
function app({ imports = IMPORTS, declared = "hipflask/express-session" } = {}): string {
  return `${imports.join("\n")}
declare module "${declared}" {
  interface SessionData {
    views: number;
  }
}
const PgStore = connectPgSimple(session);
const shared = { secret: "keyboard cat", resave: false, saveUninitialized: false };
const app = express();
app.use(session({ ...shared, store: new RedisStore({ client: createClient() }) }));
app.use(session({ ...shared, store: new PgStore({ conString: "postgres://127.0.0.1/app" }) }));
app.use(passport.initialize());
app.use(passport.session());
app.get("/", (req, res, next) => {
  const views: number = (req.session.views ?? 0) + 1;
  req.session.views = views;
  // @ts-expect-error -- of another type
  req.session.views = "many";
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.login({ id: 1 }, (failed) => (failed ? next(failed) : res.send(req.sessionID)));
  });
});
app.post("/logout", (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.redirect("/")));
});
`;
}

/** What needs no types but those of Express: an app without other packages around sessions. */
const ALONE = `import express from "express";
import session, { type SessionData } from "hipflask/express-session";
declare module "hipflask/express-session" {
  interface SessionData {
    views: number;
  }
}
const app = express();
app.use(session({ secret: "keyboard cat", resave: false, saveUninitialized: false }));
app.get("/", (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  // @ts-expect-error -- of another type
  req.session.views = "many";
  req.sessionStore.get(req.sessionID, (_error: unknown, found?: SessionData | null) => {
    res.send(\`\${found?.views}\`);
  });
});
`;

const MODULES: Readonly<Record<string, object>> = {
  modules: { module: "nodenext" },
  commonjs: { module: "commonjs", moduleResolution: "bundler" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

describe.skipIf(skip)(`an app that was written for express-session, in TypeScript${note}`, () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hipflask-types-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns what the compiler says of an app in a folder of its own */
  async function check(code: string, types: readonly string[], settings: object): Promise<string> {
    const project = mkdtempSync(join(folder, "app-"));
    const link = (from: string, name: string) => {
      const to = join(project, "node_modules", name);
      mkdirSync(dirname(to), { recursive: true });
      symlinkSync(from, to, "dir");
    };
    link(root, "hipflask");
    for (const name of ["connect-redis", "connect-pg-simple", "passport", "redis", "@redis"])
      link(join(packages, name), name);
    for (const name of ["express", "pg", "pg-types", "pg-protocol", "undici-types"])
      link(join(root, "node_modules", name), name);
    for (const name of readdirSync(join(packages, "@types")))
      if (types.includes(name) || !/session|connect-pg|passport/.test(name))
        link(join(packages, "@types", name), `@types/${name}`);
    const compilerOptions = {
      strict: true,
      target: "es2022",
      noEmit: true,
      types: ["node"],
      // Where packages are installed, and not where the links lead to.
      preserveSymlinks: true,
      ...settings,
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["app.ts"] }));
    writeFileSync(join(project, "package.json"), '{ "type": "module" }');
    writeFileSync(join(project, "app.ts"), code);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    return promisify(execFile)(process.execPath, [tsc, "-p", project], { cwd: project }).then(
      ({ stdout }) => stdout,
      (failure: { stdout: string }) => failure.stdout,
    );
  }

  const all = ["express-session", "connect-pg-simple", "passport"];
  const orders: [order: string, imports: string[]][] = [
    ["the drop-in first", IMPORTS],
    ["the drop-in last", IMPORTS.toReversed()],
  ];

  for (const skipLibCheck of [true, false]) {
    const how = skipLibCheck ? "with skipLibCheck" : "without skipLibCheck";

    it.concurrent.each(orders)(`compiles with all @types, ${how}, %s`, async (_, imports) => {
      expect(await check(app({ imports }), all, { module: "nodenext", skipLibCheck })).toBe("");
    });

    it.concurrent(`compiles with what was declared for express-session, ${how}`, async () => {
      const code = app({ declared: "express-session" });
      expect(await check(code, all, { module: "nodenext", skipLibCheck })).toBe("");
    });

    it.concurrent.each(Object.keys(MODULES))(
      `compiles without @types/express-session, ${how}, as %s`,
      async (kind) => {
        expect(await check(ALONE, [], { ...MODULES[kind], skipLibCheck })).toBe("");
      },
    );
  }

  it("compiles with connect-redis where @types/express-session is missing, with skipLibCheck", async () => {
    const code = app().replace(/^import connectPgSimple.*$/m, "declare const connectPgSimple: any;");
    expect(await check(code, ["passport"], { module: "nodenext", skipLibCheck: true })).toBe("");
  });
});
