import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { storeContract } from "../testing/store-contract.ts";
import { openSqlite } from "./sqlite/database.ts";
import { sqliteStore } from "./sqlite.ts";
import { newToken } from "./token.ts";

const folder = mkdtempSync(join(tmpdir(), "hipflask-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("sqliteStore", () => {
  storeContract(
    { describe, it },
    async ({ clock }) => {
      const file = join(folder, "contract.db");
      const store = sqliteStore(file, { now: clock.now });
      const another = sqliteStore(file, { now: clock.now });
      const db = await openSqlite(file);
      db.exec("PRAGMA busy_timeout = 2000");
      const rowOf = (selector: string) =>
        db.prepare("SELECT * FROM hipflask_sessions WHERE selector = ?").all(selector);
      return {
        store,
        another,
        corrupt: async (selector) =>
          db.prepare("UPDATE hipflask_sessions SET record = '[1,' WHERE selector = ?").run(selector),
        dump: async (selector) => JSON.stringify(rowOf(selector)),
        outage: {
          begin: async () => db.exec("ALTER TABLE hipflask_sessions RENAME TO lost"),
          end: async () => db.exec("ALTER TABLE lost RENAME TO hipflask_sessions"),
        },
        close: () => db.close(),
      };
    },
    { corrupts: true, stops: true, scale: process.env.CI ? 1 : 0.05 },
  );

  it("keeps the file from other users of the machine", async () => {
    const file = join(folder, "private.db");
    const store = sqliteStore(file);
    await store.create({ ...newToken(), fields: new Map(), expiry: { idle: 60 } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await store.close?.();
  });

  it("leaves a database that was passed in open", async () => {
    const db = await openSqlite(":memory:");
    const store = sqliteStore(db);
    await store.create({ ...newToken(), fields: new Map(), expiry: { idle: 60 } });
    await store.close?.();
    expect(db.prepare("SELECT count(*) AS count FROM hipflask_sessions").all()).toMatchObject([{ count: 1 }]);
    db.close();
  });

  it("answers with an error while another process holds the lock, and recovers", async () => {
    const file = join(folder, "busy.db");
    const store = sqliteStore(file, { busyTimeout: 0.05 });
    const token = newToken();
    const session = { ...token, fields: new Map([["a", "1"]]), expiry: { idle: 60 } };
    await store.live([]);
    const other = await openSqlite(file);
    other.exec("BEGIN IMMEDIATE");
    await expect(store.create(session)).rejects.toMatchObject({ code: "STORE", reason: "unavailable" });
    other.exec("COMMIT");
    other.close();
    expect(await store.create(session)).toEqual({ status: "ok" });
    await store.close?.();
  });

  it("refuses an oversized write without harm to the writes that share its transaction", async () => {
    const store = sqliteStore(":memory:");
    const [good, bad] = [newToken(), newToken()];
    const set = (text: string) => ({ set: new Map([["a", text]]) });
    for (const token of [good, bad]) {
      await store.create({
        ...token,
        fields: new Map([["b", `"${"x".repeat(200_000)}"`]]),
        expiry: { idle: 60 },
      });
    }
    const answers = await Promise.allSettled([
      store.patch(bad.selector, bad.verifierHash, set(`"${"x".repeat(200_000)}"`)),
      store.patch(good.selector, good.verifierHash, set("1")),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual(["rejected", "fulfilled"]);
    const found = await store.read(good.selector);
    expect(found.status === "ok" && found.record.fields.get("a")).toBe("1");
    await store.close?.();
  });
});
