import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ConfigError } from "../errors.ts";
import { storeFromUrl } from "./from-url.ts";

const write = { text: "1", commit: "A".repeat(16), lifetime: 60 };

afterEach(() => {
  for (const [name] of clients) vi.doUnmock(name);
  vi.doUnmock("mysql2/promise");
});

const clients: Array<[name: string, url: string]> = [
  ["@redis/client", "redis://127.0.0.1:1"],
  ["@redis/client", "rediss+cluster://a:1,b:2"],
  ["pg", "postgres://127.0.0.1:1/x"],
  ["mysql2", "mariadb://127.0.0.1:1/x"],
  ["@libsql/client", "libsql://127.0.0.1:1?authToken=x"],
  ["@upstash/redis", "https://:token@127.0.0.1:1"],
  ["@aws-sdk/client-dynamodb", "dynamodb://eu-central-1/sessions"],
  ["mongodb", "mongodb://127.0.0.1:1/x"],
  ["mongodb", "mongodb+srv://127.0.0.1/x"],
  ["memcached", "memcached://127.0.0.1:1"],
];

describe("storeFromUrl", () => {
  it.each(clients)("says to install %s where it is missing, for %s", async (name, url) => {
    vi.doMock(name === "mysql2" ? "mysql2/promise" : name, () => {
      throw new Error(`Cannot find package '${name}'`);
    });
    await expect(storeFromUrl(url)).rejects.toMatchObject({
      code: "CONFIG",
      message: expect.stringContaining(`npm install ${name}`) as string,
    });
  });

  it.each(["memory:", "sqlite::memory:"])("opens %s", async (url) => {
    const store = await storeFromUrl(url);
    expect(await store.insert("k", write)).toBe(true);
    expect(await store.read("k")).toMatchObject({ text: "1" });
    await store.close?.();
  });

  it.each(["sqlite:", "sqlite://"])("opens a file by an absolute path after %s", async (scheme) => {
    const folder = mkdtempSync(join(tmpdir(), "hipflask-url-"));
    const url = `${scheme}${join(folder, "sessions.db")}`;
    const first = await storeFromUrl(url);
    await first.insert("k", write);
    await first.close?.();
    const second = await storeFromUrl(url);
    expect(await second.read("k")).toMatchObject({ text: "1" });
    await second.close?.();
    rmSync(folder, { recursive: true });
  });

  it.each([
    [
      "",
      /^storeFromUrl got an empty string, as of a variable that is not set; a store's URL begins with memory:, /,
    ],
    [" \n", /got an empty string/],
    [
      "hunter2",
      /got a string that is not a URL; a file of SQLite is sqlite:PATH, and a store's URL begins with /,
    ],
    ["sessions.db", /a file of SQLite is sqlite:PATH/],
    [String.raw`C:\sessions.db`, /a file of SQLite is sqlite:PATH/],
    ["file:./sessions.db", /^storeFromUrl got a file: URL; a file of SQLite is sqlite:PATH\./],
    ["couchdb://ada:hunter2@localhost", /knows no "couchdb:" URLs; .* made from its own client\./],
    ["mysql+pymysql://ada:hunter2@localhost/x", /knows no "mysql\+pymysql:" URLs; /],
    ["__proto__:", /got a string that is not a URL/],
    ["constructor:", /knows no "constructor:" URLs/],
    ["sqlite:", /names no file; write sqlite:sessions\.db/],
  ])("refuses %j, and says what to write", async (url, says) => {
    const error: unknown = await storeFromUrl(url).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ message: expect.stringMatching(says) as string });
    expect(inspect(error)).not.toContain("hunter2");
  });

  it.each([" memory:", "SQLite::memory:\n"])("opens %j, as it may stand in a variable", async (url) => {
    const store = await storeFromUrl(url);
    expect(await store.insert("k", write)).toBe(true);
    await store.close?.();
  });

  it.each([
    ["libsql://ada:hunter2@127.0.0.1", /libsql:\/\/NAME\.turso\.io\?authToken=TOKEN/],
    ["libsql://?authToken=hunter2", /libsql:\/\/NAME\.turso\.io\?authToken=TOKEN/],
    ["https://hunter2.upstash.io", /https:\/\/:TOKEN@NAME\.upstash\.io/],
    ["dynamodb://", /dynamodb:\/\/eu-central-1\/sessions/],
    ["dynamodb://ada:hunter2@eu-central-1/sessions", /reads the credentials from the environment/],
    ["memcached://a:11211,b:11211", /one server/],
    ["memcached://ada:hunter2@a:11211", /one server/],
  ])("says how to write %s", async (url, message) => {
    const error: unknown = await storeFromUrl(url).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ message: expect.stringMatching(message) as string });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter2");
  });

  const passwords = ["hunter2/x", "hunter2#x", "hunter2?x", "hunter2%zz", "hunter2/x#y?z@w"];
  const schemes = ["redis", "rediss", "redis+cluster", "postgres", "postgresql", "mysql", "mariadb"].concat([
    "libsql",
    "https",
    "dynamodb",
    "mongodb",
    "mongodb+srv",
    "memcached",
  ]);

  it.each(schemes)("shows no password of a %s: URL, whatever is in it", async (scheme) => {
    for (const password of passwords) {
      for (const rest of ["@127.0.0.1:1/x", "@127.0.0.1:notaport/x", ""]) {
        const error: unknown = await storeFromUrl(`${scheme}://ada:${password}${rest}`).catch(
          (thrown: unknown) => thrown,
        );
        expect(error).toBeInstanceOf(Error);
        expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter2");
        const isAdvised = error instanceof ConfigError && /percent-encoded: "\/" as %2F/.test(error.message);
        expect(isAdvised || !rest.startsWith("@127.0.0.1:1/")).toBe(true);
      }
    }
  });

  it.each(["redis", "redis+cluster", "postgres", "mysql"])(
    "says where nothing answers a %s: URL, and shows no password",
    async (scheme) => {
      const error: unknown = await storeFromUrl(`${scheme}://ada:hunter2%2Fx@127.0.0.1:1/0`).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code: "STORE", reason: "unavailable" });
      expect((error as Error).message).toContain("at 127.0.0.1:1 could not");
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("hunter2");
    },
  );
});
