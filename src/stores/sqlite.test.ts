import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { movedSql } from "../../test/services/moved-time.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { testClock } from "../testing/clock.ts";
import { storeContract } from "../testing/store-contract.ts";
import { SessionRecords } from "./parts/session-records.ts";
import { newToken } from "./parts/token.ts";
import { sqlStore } from "./sql.ts";
import { openSqlite } from "./sqlite/database.ts";
import { sqliteStore } from "./sqlite.ts";
import { sessionsDatabase } from "./sqlite/sessions-database.ts";

const folder = mkdtempSync(join(tmpdir(), "hipflask-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [A, B, C] = ["A".repeat(16), "B".repeat(16), "C".repeat(16)] as const;
const write = (text: string, commit: string) => ({ text, commit, lifetime: 60 });
const modeOf = (file: string) => statSync(file).mode & 0o777;

describe("sqliteStore", () => {
  storeContract(
    { describe, it },
    async ({ clock }) => {
      const file = join(folder, "contract.db");
      const opened = () => sqlStore(movedSql(sessionsDatabase(file, {}), clock));
      const db = await openSqlite(file);
      db.exec("PRAGMA busy_timeout = 2000");
      const row = (key: string) => db.prepare("SELECT * FROM hipflask_sessions WHERE id = ?").all(key);
      return {
        store: opened(),
        another: opened(),
        corrupt: async (key) =>
          db.prepare("UPDATE hipflask_sessions SET record = '[1,', commit_id = '' WHERE id = ?").run(key),
        dump: async (key) => JSON.stringify(row(key)),
        outage: {
          begin: async () => db.exec("ALTER TABLE hipflask_sessions RENAME TO lost"),
          end: async () => db.exec("ALTER TABLE lost RENAME TO hipflask_sessions"),
        },
        close: () => db.close(),
      };
    },
    { corrupts: true, stops: true, scale: process.env.CI ? 1 : 0.05 },
  );

  it("leaves the settings of a database that the application has opened", async () => {
    const db = await openSqlite(join(folder, "theirs.db"));
    const settings = () =>
      ["journal_mode", "synchronous", "busy_timeout"].map((name) => db.prepare(`PRAGMA ${name}`).all());
    db.exec("PRAGMA busy_timeout = 1234");
    const before = settings();
    const store = sqliteStore(db);
    expect(await store.insert("a", write("{}", A))).toBe(true);
    expect(settings()).toEqual(before);
    db.close();
  });

  it("keeps its files from other users of the machine, also those that were there", async () => {
    const [fresh, old] = [join(folder, "fresh.db"), join(folder, "old.db")];
    writeFileSync(old, "");
    for (const ending of ["", "-wal", "-shm"]) {
      writeFileSync(old + ending, "");
      chmodSync(old + ending, 0o644);
    }
    for (const file of [fresh, old]) {
      const store = sqliteStore(file);
      await store.insert("k", write("1", A));
      const files = [file, `${file}-wal`, `${file}-shm`];
      expect(files.map((name) => existsSync(name))).toEqual([true, true, true]);
      expect(files.map(modeOf)).toEqual([0o600, 0o600, 0o600]);
      await store.close?.();
    }
  });

  it("says what to do about a folder that is not there", async () => {
    const store = sqliteStore(join(folder, "no", "such", "sessions.db"));
    await expect(store.read(A)).rejects.toThrow(/no such file.*Make the folder of the file first/);
  });

  it("leaves a database that was passed in open", async () => {
    const db = await openSqlite(":memory:");
    const store = sqliteStore(db);
    await store.insert("k", write("1", A));
    await store.close?.();
    expect(db.prepare("SELECT count(*) AS count FROM hipflask_sessions").all()).toMatchObject([{ count: 1 }]);
    db.close();
  });

  it("answers with an error while another process holds the lock, and recovers", async () => {
    const file = join(folder, "busy.db");
    const store = sqliteStore(file, { busyTimeout: 0.05 });
    await store.read("k");
    const other = await openSqlite(file);
    other.exec("BEGIN IMMEDIATE");
    await expect(store.insert("k", write("1", A))).rejects.toMatchObject({
      code: "STORE",
      reason: "unavailable",
      message: expect.stringContaining(`SQLite in ${file} could not "insert"`) as string,
    });
    await expect(
      Promise.all([store.insert("a", write("1", A)), store.insert("b", write("1", A))]),
    ).rejects.toMatchObject({ reason: "unavailable" });
    other.exec("COMMIT");
    other.close();
    expect(await store.insert("k", write("1", A))).toBe(true);
    await store.close?.();
  });

  it("takes the writes of one turn in one transaction, each with an answer of its own", async () => {
    const db = await openSqlite(":memory:");
    const transactions: string[] = [];
    const exec = db.exec.bind(db);
    db.exec = (sql) => {
      transactions.push(sql);
      return exec(sql);
    };
    const store = sqliteStore(db);
    await store.insert("a", write("1", A));
    transactions.length = 0;
    const answers = await Promise.all([
      store.replace("a", A, write("2", B)),
      store.replace("a", A, write("3", C)),
      store.insert("b", write("1", A)),
      store.insert("a", write("1", A)),
      store.remove("nothing"),
    ]);
    expect(answers).toEqual([
      { status: "ok" },
      { status: "conflict", current: expect.objectContaining({ text: "2", commit: B }) as object },
      true,
      false,
      { status: "gone" },
    ]);
    expect(transactions).toEqual(["BEGIN IMMEDIATE", "COMMIT"]);
    db.close();
  });

  it("applies none of the writes of a transaction that fails", async () => {
    const db = await openSqlite(":memory:");
    const store = sqliteStore(db);
    await store.insert("a", write("1", A));
    db.exec(
      "CREATE TRIGGER no_b BEFORE INSERT ON hipflask_sessions WHEN NEW.id = 'b' BEGIN SELECT RAISE(FAIL, 'no'); END",
    );
    const answers = await Promise.allSettled([
      store.replace("a", A, write("2", B)),
      store.insert("b", write("1", A)),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await store.read("a")).toMatchObject({ text: "1", commit: A });
    expect(await store.replace("a", A, write("2", B))).toEqual({ status: "ok" });
    db.close();
  });

  it("dates the first session of a process by the database's clock, although nothing was read that tells it", async () => {
    const clock = testClock();
    clock.advance(24 * 60 * 60);
    const store = sqlStore(movedSql(sessionsDatabase(":memory:", {}), clock));
    const records = new SessionRecords(store, { json: new TaggedJSONSerializer(), longest: 60 });
    const hereNow = Date.now();
    const created = await records.create(newToken(), new Map(), { expiry: { idle: 60 } });
    if (created.status !== "ok") throw new Error(created.status);
    expect(created.known.entry.createdAt).toBeGreaterThan(hereNow + 23 * 60 * 60 * 1000);
    expect(await records.loop.read(created.known.entry.selector)).toMatchObject({
      commit: created.known.commit,
    });
  });
});
