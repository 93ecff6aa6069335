import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../src/cli/main.ts";
import { TaggedJSONSerializer } from "../src/json/tagged-json.ts";
import { SessionRecords } from "../src/stores/parts/session-records.ts";
import { openSqlite } from "../src/stores/sqlite/database.ts";
import { sqliteStore } from "../src/stores/sqlite.ts";
import { newToken } from "../src/stores/parts/token.ts";
import { commandLine, type Around, type Outcome } from "./support/command-line.ts";

const root = join(import.meta.dirname, "..");
const bin = join(root, "bin/hipflask.js");
const SECRET_KEY = "a secret that must never be printed";

/** Whatever happens, it prints no secret. */
async function hipflask(args: string[], around?: Around): Promise<Outcome> {
  const outcome = await commandLine(args, around);
  expect(outcome.out + outcome.err).not.toContain(SECRET_KEY);
  return outcome;
}

/** Runs the program itself. */
function program(
  args: string[],
  stdin: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: process.env.PATH, ...env } };
    const child = execFile(process.execPath, [bin, ...args], options, (error, out, err) => {
      if (error && typeof error.code !== "number") reject(error);
      else resolve({ code: Number(error?.code ?? 0), out, err });
    });
    child.stdin!.end(stdin);
  });
}

describe("hipflask", () => {
  it("tells its version and its commands", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as {
      version: string;
    };
    expect(await hipflask(["--version"])).toEqual({ code: 0, out: `${version}\n`, err: "" });
    const help = await hipflask(["--help"]);
    expect(help.code).toBe(0);
    for (const [name, { summary }] of Object.entries(COMMANDS)) {
      expect(help.out).toContain(`\n  ${name.padEnd(10)} ${summary}\n`);
    }
  });

  it.each(Object.keys(COMMANDS))("tells how to use %s, with examples", async (name) => {
    const { code, out, err } = await hipflask([name, "--help"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(new RegExp(`^Usage: hipflask ${name}\\b`));
    expect(out).toMatch(/\nExamples:\n {2}\S/);
    expect(await hipflask(["help", name])).toEqual({ code, out, err });
  });

  it("has every command on its page", () => {
    const page = readFileSync(join(root, "docs/command-line.md"), "utf8");
    expect([...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name)).toEqual(Object.keys(COMMANDS));
  });

  it.each([
    [["session", "list"], 'Did you mean "sessions"?'],
    [["docter"], 'Did you mean "doctor"?'],
    [["help", "kegen"], 'Did you mean "keygen"?'],
    [["sessions", "lst", "--store", "sqlite:a.db"], 'Did you mean "list"?'],
    [["sessions", "list", "--onwer", "ada"], 'Did you mean "--owner"?'],
    [["sessions", "list", "--owner"], "--owner needs a value."],
    [["sessions", "list", "--json=yes"], "--json takes no value."],
    [["schema", "postgre"], 'Did you mean "postgres"?'],
    [["init", "--framework", "expres"], 'Did you mean "express"?'],
  ])("says what %j may have meant", async (args, hint) => {
    const { code, err } = await hipflask(args);
    expect(code).toBe(2);
    expect(err).toContain(hint);
  });

  it("answers what it does not understand with exit code 2, and repeats none of it", async () => {
    const wrong = [
      [],
      [SECRET_KEY],
      ["toString"],
      ["keygen", SECRET_KEY],
      ["inspect", "--salt"],
      ["sign", `--${SECRET_KEY}`],
      ["sign", "{}", "--digest", "md5"],
      ["schema", "oracle"],
      ["schema", "constructor"],
      ["sessions", "list", "--owner", "ada"],
      ["sessions", "list", "--store", "memory:"],
      ["sessions", "revoke", "--store", "memory:"],
      ["sessions", "prune", "now", "--store", "memory:"],
    ];
    for (const args of wrong) {
      const { code, out, err } = await hipflask(args, { env: { SECRET_KEY } });
      expect({ args, code, out }).toEqual({ args, code: 2, out: "" });
      expect(err).not.toBe("");
    }
  });

  it("is a program that reads its input, its environment, and exits with the code", async () => {
    const signed = await program(["sign", "-"], '{"a":1}\n', { SECRET_KEY });
    expect(signed).toMatchObject({ code: 0, err: "" });
    expect((await hipflask(["inspect", signed.out], { env: { SECRET_KEY } })).code).toBe(0);
    const refused = await program(["sign", "-"], '{"a":1}\n');
    expect(refused).toEqual({ code: 1, out: "", err: "Set SECRET_KEY in the environment to sign with.\n" });
  });

  it("is quiet when its reader goes away", async () => {
    const child = spawn(process.execPath, [bin, "schema", "postgres"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let err = "";
    child.stderr.on("data", (chunk) => (err += String(chunk)));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });
});

describe("hipflask sign and inspect", () => {
  const env = { SECRET_KEY };

  it("make a cookie of JSON and take it apart again", async () => {
    const { code, out } = await hipflask(["sign"], {
      stdin: '{"username": "ada", "seat": {" t": [3, "b"]}}',
      env,
    });
    expect(code).toBe(0);
    const cookie = out.trim();
    const inspected = await hipflask(["inspect", "-"], { stdin: `${cookie}\n`, env });
    expect(inspected).toMatchObject({ code: 0, err: "" });
    expect(inspected.out).toContain('{"seat":{" t":[3,"b"]},"username":"ada"}');
    expect(inspected.out).toMatch(/signature +good/);
    // A whole header line is as good, and an argument too.
    const line = await hipflask(["inspect", `Set-Cookie: session=${cookie}; HttpOnly; Path=/`], { env });
    expect(line.out).toBe(inspected.out);
  });

  it("see a signature of another key, salt or digest", async () => {
    const cookie = (await hipflask(["sign", '{"a":1}'], { env })).out.trim();
    for (const [args, changed] of [
      [[], { SECRET_KEY: "another" }],
      [["--salt", "other"], env],
      [["--digest", "sha256"], env],
    ] as const) {
      const { code, out } = await hipflask(["inspect", cookie, ...args], { env: changed });
      expect(code).toBe(1);
      expect(out).toMatch(/signature +refused with this SECRET_KEY: bad_signature/);
    }
    const unchecked = await hipflask(["inspect", cookie]);
    expect(unchecked).toMatchObject({ code: 0 });
    expect(unchecked.out).toContain("not checked");
  });

  it("say what is wrong with what is no cookie", async () => {
    expect((await hipflask(["inspect", "nonsense"])).code).toBe(1);
    expect((await hipflask(["inspect"], { stdin: "\n" })).code).toBe(2);
    const unsigned = await hipflask(["sign", '{"a":1}']);
    expect(unsigned).toMatchObject({
      code: 1,
      out: "",
      err: "Set SECRET_KEY in the environment to sign with.\n",
    });
    expect((await hipflask(["sign", "[1]"], { env })).code).toBe(1);
    expect((await hipflask(["sign", "{'a': 1}"], { env })).code).toBe(1);
  });

  it("never repeat the verifier of a stored session", async () => {
    const { selector, verifier } = newToken();
    const { code, out } = await hipflask(["inspect", "-"], { stdin: `session=${selector}.${verifier}` });
    expect(code).toBe(0);
    expect(out).toContain(selector);
    expect(out).not.toContain(verifier);
  });
});

describe("hipflask keygen", () => {
  it("makes 256 bits, other ones each time", async () => {
    const keys = await Promise.all([hipflask(["keygen"]), hipflask(["keygen"])]);
    for (const { out } of keys) expect(Buffer.from(out.trim(), "base64url")).toHaveLength(32);
    expect(keys[0]!.out).not.toBe(keys[1]!.out);
  });
});

describe("hipflask schema", () => {
  it("prints statements for each engine, those of SQLite fit for SQLite", async () => {
    for (const engine of ["postgres", "mysql"]) {
      const { code, out } = await hipflask(["schema", engine]);
      expect(code).toBe(0);
      expect(out.match(/CREATE TABLE IF NOT EXISTS (hipflask_\w+)/g)).toHaveLength(1);
      expect(out.trim().endsWith(";")).toBe(true);
    }
    const db = await openSqlite(":memory:");
    db.exec((await hipflask(["schema", "sqlite"])).out);
    expect(db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all()).toHaveLength(1);
    db.close();
  });
});

describe("hipflask sessions", () => {
  let folder = "";
  let url = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hipflask-cli-"));
    url = `sqlite:${join(folder, "sessions.db")}`;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function logIn(owner: string, expiry = { idle: 3600 }): Promise<string> {
    const store = await sqliteStore(url.slice("sqlite:".length));
    const token = newToken();
    const records = new SessionRecords(store, { json: new TaggedJSONSerializer(), longest: 3600 });
    await records.create(token, new Map([["secret", '"data"']]), {
      expiry,
      device: JSON.stringify("Fire\u001b[2Jfox"),
      login: { owner, elapsed: () => 0 },
    });
    const { selector } = token;
    await store.close?.();
    return selector;
  }

  it("lists, revokes one and revokes all", async () => {
    const [first, second] = [await logIn("ada"), await logIn("ada")];
    const third = await logIn("ada");
    const listed = await hipflask(["sessions", "list", "--owner", "ada"], { env: { SESSION_STORE: url } });
    expect(listed.code).toBe(0);
    for (const selector of [first, second, third]) expect(listed.out).toContain(selector);
    expect(listed.out).not.toContain("data");
    expect(listed.out).not.toContain("\u001b");
    const json = await hipflask(["sessions", "list", "--owner", "ada", "--json", "--store", url]);
    const [info] = json.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { device: string });
    expect(JSON.parse(info!.device)).toBe("Fire\u001b[2Jfox");

    const revoke = (...args: string[]) => hipflask(["sessions", "revoke", "--store", url, ...args]);
    expect(await revoke("--", first)).toMatchObject({ code: 0, out: "1 session ended\n" });
    expect(await revoke("--", first)).toMatchObject({ code: 1, out: "0 sessions ended\n" });
    expect(await revoke("--owner", "ada")).toMatchObject({ code: 0, out: "2 sessions ended\n" });
  });

  it("says so where a person has none", async () => {
    await logIn("ada");
    const nobody = ["sessions", "list", "--owner", "no\u001bbody", "--store", url];
    expect(await hipflask(nobody)).toEqual({
      code: 0,
      out: "",
      err: 'There are no live sessions of "no\\u001bbody".\n',
    });
    expect((await hipflask([...nobody, "--json"])).out).toBe("");
  });

  it.each([["list", "--owner", "ada"], ["prune"], ["revoke", "--owner", "ada"]])(
    "does not make a store that is not there, for %s",
    async (...args) => {
      const typo = join(folder, "typo.db");
      const { code, out, err } = await hipflask(["sessions", ...args, "--store", `sqlite:${typo}`]);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain(`There is no file ${typo}.`);
      expect(existsSync(typo)).toBe(false);
    },
  );

  it("takes a URL with a user for no file, and says so without the password", async () => {
    for (const command of [["sessions", "prune"], ["demo"]]) {
      const { code, err } = await hipflask([...command, "--store", "sqlite://ada:pass-word@host"]);
      expect({ code, err }).toEqual({
        code: 1,
        err: expect.stringMatching(/^A sqlite: URL has no user, password, host or port(?!.*pass-word)/),
      });
    }
  });

  it("says that only an app can list what is in its memory", async () => {
    const { code, err } = await hipflask(["sessions", "list", "--owner", "ada", "--store", "memory:"]);
    expect(code).toBe(1);
    expect(err).toContain("in the memory of your app");
  });

  it("prunes what is expired and nothing else", async () => {
    await logIn("late", { idle: 0.001 });
    await logIn("live");
    expect(await hipflask(["sessions", "prune", "--store", url])).toMatchObject({
      code: 0,
      out: "1 expired record removed\n",
    });
    expect((await hipflask(["sessions", "list", "--owner", "live", "--store", url])).out).not.toBe("");
  });

  it("says that a store cannot be had, without its password", async () => {
    const missing = await hipflask(["sessions", "prune", "--store", "couchdb://ada:pass-word@host"]);
    expect(missing).toMatchObject({ code: 1, out: "" });
    expect(missing.err).toContain('knows no "couchdb:" URLs');
    expect(missing.err).not.toContain("pass-word");
  });

  it.each(["postgres", "mysql", "redis"])(
    "says where it looked for a %s that is not there, without the password",
    async (scheme) => {
      const url = `${scheme}://ada:pass-word@127.0.0.1:1/0`;
      const { code, out, err } = await hipflask(["sessions", "prune"], { env: { SESSION_STORE: url } });
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain("127.0.0.1:1");
      expect(err).toContain("ECONNREFUSED");
      expect(err).not.toContain("pass-word");
    },
  );
});

describe("hipflask doctor", () => {
  const strong = "u6Zk2vQ9xT4mB7wE1rY8pL3sD5fG0hJc";
  const doctor = (options: object, ...args: string[]) =>
    hipflask(["doctor", "-", ...args], { stdin: JSON.stringify(options) });

  it("lists the weak settings among Flask's defaults", async () => {
    const { code, out } = await doctor({ secretKey: strong });
    expect(code).toBe(0);
    for (const word of ["SHA-1", "not encrypted", "cookieSecure is off", "cookieSameSite is not set"])
      expect(out).toContain(word);
    expect(out).toMatch(/\n0 broken, 4 weak\n$/);
    expect(out).not.toContain(strong);
    expect((await doctor({ secretKey: strong }, "--strict")).code).toBe(1);
  });

  it("has nothing to say against hardened sessions", async () => {
    const { code, out } = await doctor({ secretKey: strong, hardened: true }, "--strict");
    expect(code).toBe(0);
    expect(out).toContain("0 broken, 0 weak");
  });

  it.each([
    "dev",
    "changeme",
    "change-me",
    "Change me!",
    "secret",
    "supersecret",
    "my-super-secret-key",
    "keyboard cat",
    "your_secret_key_here",
    "test123",
    "password1",
    "0".repeat(64),
  ])("calls the secret %j broken, and does not repeat it", async (secretKey) => {
    const { code, out } = await doctor({ secretKey, hardened: false });
    expect({ code, first: out.split("\n")[0] }).toEqual({
      code: 1,
      first:
        "broken  secretKey is easy to guess, and anyone who guesses it can forge sessions: npx hipflask keygen",
    });
  });

  it("takes no random secret for one of those", async () => {
    for (let round = 0; round < 500; round++) {
      const random = randomBytes(32);
      for (const secretKey of [random.toString("base64url"), random.toString("hex")])
        expect((await doctor({ secretKey, hardened: true })).code).toBe(0);
    }
  });

  it("says that the options of a store do nothing without one", async () => {
    const options = JSON.stringify({ secretKey: SECRET_KEY, storeOptions: { idleTimeout: 900 } });
    const { out } = await hipflask(["doctor", "-"], { stdin: options });
    expect(out).toContain("weak    storeOptions have no effect without a store");
  });

  it("reports short secrets as weak, without repeating them", async () => {
    const { out } = await doctor({ secretKey: "qwertzuiop" });
    expect(out).toContain("weak    secretKey has 10 bytes");
    expect(out).not.toContain("qwertzuiop");
    const old = await doctor({ secretKey: strong, secretKeyFallbacks: ["h5kd", "dev"] });
    expect(old.out).toContain("secretKeyFallbacks[0], which still verifies cookies, has 4 bytes");
    expect(old.out).toMatch(/^broken {2}secretKeyFallbacks\[1\]/);
  });

  it.each([
    [{}, "secretKey is not set"],
    [{ secretKey: strong, cookieSameSite: "None" }, "browsers ignore without Secure"],
    [{ secretKey: strong, cookieName: "__Host-id" }, "needs cookieSecure"],
    [
      { secretKey: strong, cookieName: "__Host-id", cookieSecure: true, cookieDomain: "a.example" },
      "allows no cookieDomain",
    ],
    [{ secretKey: strong, hardened: true, cookieSecure: false }, "cookieSecure must not be false"],
    [{ secretKey: strong, maxAge: 1 }, 'There is no option "maxAge"'],
    [{ SECRET_KEY: strong, SESSION_COOKIE_SAMESITE: "Sometimes" }, "cookieSameSite"],
  ])("calls %o broken", async (options, reason) => {
    const { code, out } = await doctor(options);
    expect(code).toBe(1);
    expect(out).toMatch(/^broken/);
    expect(out).toContain(reason);
  });

  it("tells everything that is broken, and not only what is met first", async () => {
    const options = {
      maxAge: 1,
      secretKey: "dev",
      cookieSameSite: "None",
      cookieNmae: "id",
      lifetime: -1,
      hardened: true,
    };
    const { out } = await doctor(options);
    const broken = out.split("\n").filter((line) => line.startsWith("broken"));
    expect(broken).toEqual([
      expect.stringContaining('"maxAge"'),
      expect.stringContaining('"cookieSameSite"'),
      expect.stringContaining('"cookieNmae"'),
      expect.stringContaining('"lifetime"'),
      expect.stringContaining('"secretKey" has 3 bytes'), // for `hardened`
      expect.stringContaining("secretKey is easy to guess"),
    ]);
    const flask = await doctor({
      SECRET_KEY: strong,
      SESSION_TYPE: "redis",
      SESSION_COOKIE_SAMESITE: "Sometimes",
    });
    expect(flask.out.match(/^broken/gm)).toHaveLength(2);
  });

  it("accepts options that only fit together", async () => {
    const options = { cookieSameSite: "None", lifetime: 60, cookieSecure: true, secretKey: strong };
    const { out } = await doctor({ ...options, wrong: 1 });
    expect(out.match(/^broken/gm)).toHaveLength(1);
  });

  it("refuses what is no JSON without repeating it", async () => {
    const { code, out, err } = await hipflask(["doctor", "-"], { stdin: `SECRET_KEY=${SECRET_KEY}` });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("not JSON");
  });

  it("names variables where it looks at the environment, and asks the store there", async () => {
    const empty = await hipflask(["doctor"]);
    expect(empty.code).toBe(1);
    expect(empty.out).toMatch(/^broken {2}SECRET_KEY is not set/);
    const weak = await hipflask(["doctor"], { env: { SECRET_KEY: "dev" } });
    expect(weak.out).toMatch(/^broken {2}SECRET_KEY is easy/);
    const good = await hipflask(["doctor"], { env: { SECRET_KEY: strong } });
    expect(good).toMatchObject({ code: 0, out: expect.stringContaining("0 broken, 0 weak") });
    const missing = await hipflask(["doctor"], {
      env: { SECRET_KEY: strong, SESSION_STORE: "sqlite:missing.db" },
    });
    expect(missing.out).toMatch(/^broken {2}SESSION_STORE: There is no file missing\.db/);
    const down = await hipflask(["doctor"], { env: { SESSION_STORE: "redis://:pass-word@127.0.0.1:1" } });
    expect(down.out).toMatch(/^broken {2}SESSION_STORE: .*127\.0\.0\.1:1/);
    expect(down.out).not.toContain("pass-word");
  });

  describe("of a file", () => {
    // Inside of the package, so that "hipflask" means the package itself, as built.
    mkdirSync(join(root, ".cache"), { recursive: true });
    const folder = mkdtempSync(join(root, ".cache/doctor-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    async function examined(name: string, code: string) {
      const path = join(folder, name);
      writeFileSync(path, code);
      return hipflask(["doctor", path], { env: { SECRET_KEY } });
    }

    it.each([
      ["a.js", 'import { sessions } from "hipflask/express";\nexport const a = sessions('],
      ["b.cjs", 'const { sessions } = require("hipflask/express");\nexports.a = sessions('],
      ["c.js", 'import { SessionManager } from "hipflask";\nnew SessionManager('],
      ["d.js", 'import { sessions } from "hipflask/fastify";\nexport const a = sessions('],
      ["e.js", 'import { sessions } from "hipflask/react-router";\nexport const a = sessions('],
    ])("looks at the options in %s, and does not start with them", async (name, code) => {
      const { code: status, out } = await examined(
        name,
        `${code}{ secretKey: "dev", cookieSameSite: "Lax" });`,
      );
      expect(status).toBe(1);
      expect(out).toMatch(/^broken {2}secretKey is easy to guess/);
      expect(out).toContain("cookieSecure is off");
      expect(out).not.toContain("cookieSameSite");
    });

    it("tells what is wrong with options that are refused", async () => {
      const { out } = await examined(
        "refused.js",
        'import { sessions } from "hipflask/koa";\nexport const a = sessions({ cookeName: "a", lifetime: -1 });',
      );
      expect(out.match(/^broken/gm)).toHaveLength(3);
    });

    it("asks the store", async () => {
      const { out } = await examined(
        "store.js",
        `import { sessions } from "hipflask/hono";
         import { faultyStore } from "hipflask/testing";
         import { memoryStore } from "hipflask/stores/memory";
         const store = faultyStore(memoryStore());
         store.fail("read");
         export const a = sessions({ secretKey: "${strong}", store });`,
      );
      expect(out).toMatch(/^broken {2}store: /);
    });

    it("says which of several is meant", async () => {
      const { out } = await examined(
        "two.js",
        `import { sessions } from "hipflask/node";
         sessions({ secretKey: "${strong}" });
         sessions({ secretKey: "dev", cookieName: "admin" });`,
      );
      expect(out).toMatch(/^broken {2}\[2: admin\] secretKey/);
      expect(out).toContain("weak    [1: session] cookieSecure is off");
    });

    it.each([
      ["none.js", "export const a = 1;", "configures no sessions"],
      [
        "throws.js",
        'throw new Error("no config in " + process.version);',
        "cannot be loaded: no config in v",
      ],
      ["imports.js", 'import "not-installed-at-all";', "cannot be loaded: "],
    ])("says what is wrong with %s", async (name, code, reason) => {
      const { code: status, err } = await examined(name, code);
      expect(status).toBe(1);
      expect(err).toContain(reason);
    });

    it("says that a file is not there", async () => {
      const { code, err } = await hipflask(["doctor", "./missing.ts"]);
      expect({ code, err }).toEqual({ code: 1, err: "There is no file ./missing.ts.\n" });
    });
  });
});
