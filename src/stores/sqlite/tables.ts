import { StoreError } from "../../errors.ts";
import type { LocalTables } from "../local-store.ts";
import { pack } from "../packed.ts";
import type { SqliteDatabase, SqliteStatement } from "./database.ts";
import type { SessionRecord } from "../verbs.ts";

/** The schema, readable with any SQLite tool: `record` is the JSON array of `packed.ts`. */
export const SQLITE_SCHEMA = `
CREATE TABLE IF NOT EXISTS hipflask_sessions (
  selector TEXT PRIMARY KEY NOT NULL,
  record TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  owner TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS hipflask_sessions_expires_at ON hipflask_sessions (expires_at);
CREATE INDEX IF NOT EXISTS hipflask_sessions_owner ON hipflask_sessions (owner) WHERE owner IS NOT NULL;
CREATE TABLE IF NOT EXISTS hipflask_owners (
  owner TEXT PRIMARY KEY NOT NULL,
  revoked_at INTEGER NOT NULL
) WITHOUT ROWID;
`;

/** The tables of the SQLite store. Every method is one prepared statement. */
export class SqliteTables implements LocalTables {
  readonly #get: SqliteStatement;
  readonly #insert: SqliteStatement;
  readonly #update: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #removeExpired: SqliteStatement;
  readonly #sessionsOf: SqliteStatement;
  readonly #markOf: SqliteStatement;
  readonly #mark: SqliteStatement;
  readonly #forgetMarks: SqliteStatement;

  constructor(db: SqliteDatabase) {
    this.#get = db.prepare("SELECT record, expires_at FROM hipflask_sessions WHERE selector = ?");
    this.#insert = db.prepare(
      "INSERT INTO hipflask_sessions (record, expires_at, owner, selector) VALUES (?, ?, ?, ?)",
    );
    this.#update = db.prepare(
      "UPDATE hipflask_sessions SET record = ?, expires_at = ?, owner = ? WHERE selector = ?",
    );
    this.#remove = db.prepare("DELETE FROM hipflask_sessions WHERE selector = ?");
    this.#removeExpired = db.prepare(
      "DELETE FROM hipflask_sessions WHERE selector IN (SELECT selector FROM hipflask_sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
    );
    this.#sessionsOf = db.prepare("SELECT selector FROM hipflask_sessions WHERE owner = ?");
    this.#markOf = db.prepare("SELECT revoked_at FROM hipflask_owners WHERE owner = ?");
    this.#mark = db.prepare("INSERT OR REPLACE INTO hipflask_owners (owner, revoked_at) VALUES (?, ?)");
    this.#forgetMarks = db.prepare("DELETE FROM hipflask_owners WHERE revoked_at <= ?");
  }

  get(selector: string) {
    const [row] = this.#get.all(selector) as Array<{ record: string; expires_at: number }>;
    return row && { text: String(row.record), expiresAt: row.expires_at };
  }

  save(record: SessionRecord, before: SessionRecord | null): void {
    const statement = before ? this.#update : this.#insert;
    const { changes } = statement.run(pack(record), record.expiresAt, record.owner, record.selector);
    if (Number(changes) !== 1) throw new StoreError("unavailable", "SQLite did not save the session.");
  }

  remove(selector: string): void {
    this.#remove.run(selector);
  }

  removeExpired(now: number, limit: number): number {
    return Number(this.#removeExpired.run(now, limit).changes);
  }

  sessionsOf(owner: string): string[] {
    return (this.#sessionsOf.all(owner) as Array<{ selector: string }>).map((row) => row.selector);
  }

  markOf(owner: string): number | undefined {
    return (this.#markOf.all(owner) as Array<{ revoked_at: number }>)[0]?.revoked_at;
  }

  mark(owner: string, now: number): void {
    this.#mark.run(owner, now);
  }

  forgetMarks(before: number): void {
    this.#forgetMarks.run(before);
  }
}
