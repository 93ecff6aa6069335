import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "../src/cli/main.ts";
import { TaggedJSONSerializer } from "../src/json/tagged-json.ts";
import { SessionRecords } from "../src/stores/session-records.ts";
import { openSqlite } from "../src/stores/sqlite/database.ts";
import { sqliteStore } from "../src/stores/sqlite.ts";
import { newToken } from "../src/stores/token.ts";

const bin = join(import.meta.dirname, "../bin/hipflask.js");
const SECRET_KEY = "a secret that must never be printed";

type Env = Readonly<Record<string, string>>;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line; whatever happens, it prints no secret. */
async function hipflask(args: string[], { stdin = "", env = {} }: { stdin?: string; env?: Env } = {}) {
  let [out, err] = ["", ""];
  const code = await main(args, {
    env,
    read: async () => stdin,
    print: (line) => (out += `${line}\n`),
    complain: (line) => (err += `${line}\n`),
  });
  expect(out + err).not.toContain(SECRET_KEY);
  return { code, out, err };
}

/** Runs the program itself. */
function program(args: string[], stdin: string, env: Env = {}): Promise<Outcome> {
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
    for (const command of ["inspect", "sign", "keygen", "schema", "sessions", "doctor"]) {
      expect(help.out).toContain(`\n  ${command} `);
      expect((await hipflask([command, "--help"])).out).toBe(help.out);
    }
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

  it("prunes what is expired and nothing else", async () => {
    await logIn("late", { idle: 0.001 });
    await logIn("live");
    expect(await hipflask(["sessions", "prune", "--store", url])).toMatchObject({
      code: 0,
      out: "1 expired records removed\n",
    });
    expect((await hipflask(["sessions", "list", "--owner", "live", "--store", url])).out).not.toBe("");
  });

  it("says that a store cannot be had, without its password", async () => {
    const missing = await hipflask(["sessions", "prune", "--store", "mongodb://ada:pass-word@host"]);
    expect(missing).toMatchObject({ code: 1, out: "" });
    expect(missing.err).toContain('"mongodb:" is no session store');
    const down = await hipflask([
      "sessions",
      "prune",
      "--store",
      "postgres://ada:pass-word@127.0.0.1:1/none",
    ]);
    expect(down).toMatchObject({ code: 1, out: "" });
    expect(missing.err + down.err).not.toContain("pass-word");
  });
});

describe("hipflask doctor", () => {
  const strong = "u6Zk2vQ9xT4mB7wE1rY8pL3sD5fG0hJc";
  const doctor = (options: object, ...args: string[]) =>
    hipflask(["doctor", "-", ...args], { stdin: JSON.stringify(options) });

  it("says what is soft about Flask's defaults", async () => {
    const { code, out } = await hipflask(["doctor"], { env: { SECRET_KEY: strong } });
    expect(code).toBe(0);
    for (const word of ["SHA-1", "not encrypted", "cookieSecure is off", "cookieSameSite is not set"])
      expect(out).toContain(word);
    expect(out).toMatch(/\n0 broken, 4 soft\n$/);
    expect(out).not.toContain(strong);
    expect((await hipflask(["doctor", "--strict"], { env: { SECRET_KEY: strong } })).code).toBe(1);
  });

  it("has nothing to say against hardened sessions", async () => {
    const { code, out } = await doctor({ secretKey: strong, hardened: true }, "--strict");
    expect(code).toBe(0);
    expect(out).toContain("0 broken, 0 soft");
  });

  it("sees short and guessable secrets without repeating them", async () => {
    expect((await doctor({ secretKey: "qwertzuiop" })).out).toContain("secretKey has 10 bytes");
    expect((await doctor({ secretKey: "qwertzuiop" })).out).not.toContain("qwertzuiop");
    expect((await doctor({ secretKey: "change-me" })).out).toContain("everybody tries first");
    expect((await doctor({ secretKey: strong, secretKeyFallbacks: ["old"] })).out).toContain(
      "Fallbacks[0] has 3 bytes",
    );
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

  it("reads the settings of Flask out of the environment, prefixed or not", async () => {
    const { out } = await hipflask(["doctor"], {
      env: { FLASK_SECRET_KEY: strong, SESSION_COOKIE_SECURE: "true", FLASK_SESSION_COOKIE_SAMESITE: "Lax" },
    });
    expect(out).toMatch(/\n0 broken, 2 soft\n$/);
  });

  it("refuses what is no JSON without repeating it", async () => {
    const { code, out, err } = await hipflask(["doctor", "-"], { stdin: `SECRET_KEY=${SECRET_KEY}` });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("not JSON");
  });
});
