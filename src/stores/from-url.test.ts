import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { storeFromUrl } from "./from-url.ts";
import { newToken } from "./token.ts";

describe("storeFromUrl", () => {
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
