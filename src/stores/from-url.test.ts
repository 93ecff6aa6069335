import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ConfigError } from "../errors.ts";
import { storeFromUrl } from "./from-url.ts";
import { newToken } from "./token.ts";

afterEach(() => {
  for (const [name] of clients) vi.doUnmock(name);
  vi.doUnmock("mysql2/promise");
});

const clients: Array<[name: string, url: string]> = [
  ["@redis/client", "redis://127.0.0.1:1"],
  ["@redis/client", "rediss+cluster://a:1,b:2"],
  ["pg", "postgres://127.0.0.1:1/x"],
  ["mysql2", "mariadb://127.0.0.1:1/x"],
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
    const token = newToken();
    await store.create({ ...token, fields: new Map([["a", "1"]]), expiry: { idle: 60 } });
    expect(await store.read(token.selector)).toMatchObject({ status: "ok" });
    await store.close?.();
  });

  it.each(["sqlite:", "sqlite://"])("opens a file by an absolute path after %s", async (scheme) => {
    const folder = mkdtempSync(join(tmpdir(), "hipflask-url-"));
    const url = `${scheme}${join(folder, "sessions.db")}`;
    const token = newToken();
    const first = await storeFromUrl(url);
    await first.create({ ...token, fields: new Map(), expiry: { idle: 60 } });
    await first.close?.();
    const second = await storeFromUrl(url);
    expect(await second.live([token.selector])).toEqual([token.selector]);
    await second.close?.();
    rmSync(folder, { recursive: true });
  });

  it.each(["", "nonsense", "mongodb://localhost", "__proto__:", "sqlite:"])("refuses %j", async (url) => {
    await expect(storeFromUrl(url)).rejects.toThrow(ConfigError);
  });
});
