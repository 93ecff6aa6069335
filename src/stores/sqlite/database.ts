import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "../../errors.ts";

/**
 * What we call of a SQLite database; `DatabaseSync` of `node:sqlite`, `libsql` and `better-sqlite3` all have it. `all` is
 * used for single rows too: `get` of libsql leaves its statement running, and with it a transaction.
 */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

/** A statement of a {@link SqliteDatabase}, to be run with values for its placeholders. */
export interface SqliteStatement {
  all(...values: Array<string | number | null>): unknown[];
  run(...values: Array<string | number | null>): { changes: number | bigint };
}

type Constructor = new (path: string) => SqliteDatabase;

/** Opens a file with the SQLite of the platform or with libsql. */
export async function openSqlite(path: string): Promise<SqliteDatabase> {
  const Database = (await nodeSqlite()) ?? (await bunSqlite()) ?? (await libsql());
  return new Database(path);
}

/**
 * Lets the user of this process alone read and write a database file, which is created if it is missing, and the files that SQLite
 * keeps beside it.
 */
export function makePrivate(path: string): void {
  if (path === "" || path === ":memory:") return;
  closeSync(openSync(path, "a", 0o600));
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      if (existsSync(file)) chmodSync(file, 0o600);
    } catch (error) {
      // The file of another user who lets this one in: its mode is that user's to decide.
      if ((error as { code?: unknown }).code !== "EPERM") throw error;
    }
  }
}

/** Node 22.5 and later, Deno, and the newer versions of Bun. The name is in a variable since Node 20 has no types for it. */
async function nodeSqlite(): Promise<Constructor | undefined> {
  const name = "node:sqlite";
  return (await imported<{ DatabaseSync: Constructor }>(name))?.DatabaseSync;
}

/** Every version of Bun. */
async function bunSqlite(): Promise<Constructor | undefined> {
  const name = "bun:sqlite";
  return (await imported<{ Database: Constructor }>(name))?.Database;
}

async function imported<Module>(name: string): Promise<Module | undefined> {
  try {
    return (await import(name)) as Module;
  } catch {
    return undefined;
  }
}

async function libsql(): Promise<Constructor> {
  try {
    return (await import("libsql")).default as unknown as Constructor;
  } catch (cause) {
    throw new StoreError(
      "unavailable",
      `The SQLite store needs Node 22.5 or later, Bun or Deno, which have SQLite built in, or the package "libsql": npm install libsql`,
      { cause },
    );
  }
}

/**
 * Acts once no other process holds the lock, or after `seconds` throws SQLite's error. Waits outside of SQLite, so that
 * the other requests of this process go on meanwhile.
 */
export async function unlessBusy<Result>(
  act: () => Result | Promise<Result>,
  seconds: number,
): Promise<Result> {
  const deadline = performance.now() + seconds * 1000;
  for (let pause = 1; ; pause = Math.min(50, pause * 2)) {
    try {
      const result = act();
      return result instanceof Promise ? await result : result;
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    await sleep(pause * (0.5 + Math.random()));
  }
}

/**
 * Whether another process holds the lock. node:sqlite tells by number, the packages and bun:sqlite by name, and Deno
 * in SQLite's own words.
 */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (error.message === "database is locked") return true;
  return (typeof code === "string" && code.startsWith("SQLITE_BUSY")) || (Number(errcode) & 0xff) === 5;
}
