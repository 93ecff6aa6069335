import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "../../errors.ts";

/**
 * The methods of a SQLite database that are used; `DatabaseSync` of `node:sqlite`, `libsql` and `better-sqlite3` all have it. `all` is
 * used for single rows too: libsql's `get` does not reset its statement, which keeps a transaction open.
 */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

/** A prepared statement of a {@link SqliteDatabase}. */
export interface SqliteStatement {
  all(...values: Array<string | number | null>): unknown[];
  run(...values: Array<string | number | null>): { changes: number | bigint };
  setReturnArrays?(areArrays: boolean): void;
}

type Constructor = new (path: string) => SqliteDatabase;

/** Opens a file with the platform's SQLite, or with libsql. */
export async function openSqlite(path: string): Promise<SqliteDatabase> {
  const Database = (await nodeSqlite()) ?? (await bunSqlite()) ?? (await libsql());
  return new Database(path);
}

/**
 * Restricts access to a database file, and to the files that SQLite keeps beside it, to the user of this process. Creates the
 * database file if it is missing.
 */
export function makePrivate(path: string): void {
  if (path === "" || path === ":memory:") return;
  closeSync(openSync(path, "a", 0o600));
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    try {
      if (existsSync(file)) chmodSync(file, 0o600);
    } catch (error) {
      // The file belongs to another user, who has given this one access; its mode stays.
      if ((error as { code?: unknown }).code !== "EPERM") throw error;
    }
  }
}

/**
 * Node 22.5 and later, Deno, and the newer versions of Bun. The name is in a variable because the types of Node 20 do
 * not have the module.
 */
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
  // Bundlers report an error for an import that they cannot resolve.
  const builtIn = process.getBuiltinModule?.(name) as Module | undefined;
  if (builtIn !== undefined) return builtIn;
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
 * Runs `act`, and retries it while another process holds the lock, for at most `seconds`; then throws SQLite's error. The waiting
 * is asynchronous, so that it does not block the event loop as SQLite's own busy timeout would.
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
 * Whether the error means that another process holds the lock. node:sqlite has an error number, the packages and bun:sqlite a
 * code, and Deno only SQLite's message.
 */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (error.message === "database is locked") return true;
  return (typeof code === "string" && code.startsWith("SQLITE_BUSY")) || (Number(errcode) & 0xff) === 5;
}
