import type { Fields } from "../json/fields.ts";
import { escapeKey, unescapeKey } from "./field-key.ts";
import {
  checkChange,
  checkNewSession,
  checkRotation,
  DEFAULT_LIMITS,
  tooLarge,
  type RecordLimits,
} from "./limits.ts";
import { MARK_LIFETIME } from "./local-store.ts";
import {
  admits,
  alreadyRotated,
  changed,
  expectationsHold,
  isRevoked,
  latestFirst,
  milliseconds,
  sessionInfo,
} from "./record.ts";
import { recordOfRow, type Row } from "./sql-row.ts";
import { admitted, COLUMNS, compile, expiryAssignments, nowOf, type Dialect, type Values } from "./sql.ts";
import {
  GONE,
  LIMIT_REACHED,
  OK,
  REVOKED,
  ROTATED,
  STALE,
  TAKEN,
  UNDECODABLE,
  type Change,
  type Claim,
  type Conflict,
  type Ended,
  type Found,
  type Gone,
  type NewSession,
  type Ok,
  type Rotation,
  type SessionInfo,
  type SessionStore,
  type Stale,
  type Touch,
} from "./store.ts";
import { storeError } from "./store-error.ts";

/** Something that runs statements: a pool, or one connection of it within a transaction. */
export interface SqlConnection {
  query(text: string, values: unknown[]): Promise<{ rows: Row[]; affected: number }>;
}

/** A pool of connections. */
export interface SqlPool extends SqlConnection {
  /** Runs `work` in a transaction, and commits if it says so. */
  transaction<Result>(
    work: (connection: SqlConnection) => Promise<{ result: Result; commit: boolean }>,
  ): Promise<Result>;
}

/** Options that all SQL stores have. */
export interface SqlStoreOptions {
  /** How large one record may grow. Default 1000 fields and 256 KiB. */
  readonly limits?: RecordLimits;
  /** Milliseconds added to the clock of the database. For tests only: move the time without waiting. */
  readonly clockOffset?: () => number;
}

/** A store with a schema to be made. */
export interface SqlSessionStore extends SessionStore {
  /** Creates tables and indexes that are missing. Safe to call at every start, from every process. */
  migrate(): Promise<void>;
}

/** Times that a transaction is tried which the engine sacrificed to let another one through. */
const ATTEMPTS = 8;

/**
 * The contract over SQL: every verb is one conditional statement. Only a claim, which concerns a session and its owner, is
 * a transaction: it holds the row of the owner, so that claims and `destroyAll` of one owner follow each other.
 */
export class SqlStore implements SqlSessionStore {
  readonly traits = { atomic: true, indexed: true };
  readonly #pool: SqlPool;
  readonly #sql: Dialect;
  readonly #now: string;
  readonly #limits: RecordLimits;
  readonly #clockOffset: () => number;

  constructor(pool: SqlPool, dialect: Dialect, { limits, clockOffset }: SqlStoreOptions) {
    this.#pool = pool;
    this.#sql = dialect;
    this.#now = nowOf(dialect);
    this.#limits = limits ?? DEFAULT_LIMITS;
    this.#clockOffset = clockOffset ?? (() => 0);
  }

  async migrate(): Promise<void> {
    for (const statement of this.#sql.schema) await this.#run(this.#pool, statement);
  }

  async create(session: NewSession): Promise<Ok | Stale | Conflict> {
    checkNewSession(session, this.#limits);
    const { selector, verifierHash, fields, expiry, device, claim } = session;
    const { number } = this.#sql;
    const absoluteAt = typeof expiry.absolute === "number" ? `${this.#now} + ${number("absolute")}` : "NULL";
    const idleAt = `${this.#now} + ${number("idle")}`;
    const authenticatedAt = claim ? `${this.#now} - ${number("elapsed")}` : "NULL";
    const statement = `INSERT INTO hipflask_sessions (${COLUMNS}) VALUES (
      :selector, :verifierHash, NULL, 0, :fields, :owner, :device, ${this.#now}, ${this.#now}, ${authenticatedAt}, ${this.#now},
      LEAST(${idleAt}, COALESCE(${absoluteAt}, ${idleAt})), ${absoluteAt}) ${this.#sql.unlessExists}`;
    return this.#claiming(selector, claim, async (connection) => {
      const affected = await this.#run(connection, statement, {
        selector,
        verifierHash,
        fields: JSON.stringify(escaped(fields)),
        owner: claim?.owner ?? null,
        device: device ?? null,
        ...durations(expiry),
        elapsed: claim && milliseconds(claim.elapsed()),
      }).then(affectedRows, (error: unknown) => this.#unlessDuplicate(error));
      return affected === 1 ? OK : TAKEN;
    });
  }

  async read(selector: string): Promise<Found | Gone> {
    return this.#read(this.#pool, selector);
  }

  async patch(selector: string, presented: string, change: Change): Promise<Ok | Gone | Stale | Conflict> {
    checkChange(change, this.#limits);
    return this.#change(selector, presented, change);
  }

  async touch(selector: string, presented: string, { idle, every = 0 }: Touch): Promise<Ok | Gone | Stale> {
    const expiry = { idle };
    checkChange({ expiry }, this.#limits);
    const { affected } = await this.#run(
      this.#pool,
      `UPDATE hipflask_sessions SET ${expiryAssignments(this.#sql, expiry).join(", ")}
       WHERE ${admitted(this.#sql)} AND last_seen_at + ${this.#sql.number("every")} <= ${this.#now}`,
      { selector, presented, ...durations(expiry), every: milliseconds(every) },
    );
    if (affected === 1) return OK;
    const found = await this.read(selector);
    if (found.status !== "ok") return found;
    return admits(found.record, presented, found.now) ? OK : STALE;
  }

  async rotate(
    selector: string,
    presented: string,
    rotation: Rotation,
  ): Promise<Ok | Gone | Stale | Conflict> {
    checkRotation(rotation, this.#limits);
    return this.#change(selector, presented, rotation.change ?? {}, rotation);
  }

  async destroy(selector: string): Promise<Ok | Gone> {
    const statement = `DELETE FROM hipflask_sessions WHERE selector = :selector AND expires_at > ${this.#now}`;
    const { affected } = await this.#run(this.#pool, statement, { selector });
    return affected === 1 ? OK : GONE;
  }

  async list(owner: string): Promise<SessionInfo[]> {
    const { rows } = await this.#run(
      this.#pool,
      `SELECT ${this.#columns()} FROM hipflask_sessions WHERE owner = :owner AND expires_at > ${this.#now}`,
      { owner },
    );
    return rows
      .flatMap((row) => recordOfRow(row, unescapeKey) ?? [])
      .map(sessionInfo)
      .sort(latestFirst);
  }

  async destroyAll(owner: string, { except }: { except?: string | undefined } = {}): Promise<Ended> {
    await this.#retrying(() => this.#run(this.#pool, this.#sql.markOwner, { owner }));
    const { rows } = await this.#run(
      this.#pool,
      `SELECT selector, expires_at, ${this.#now} AS now FROM hipflask_sessions WHERE owner = :owner`,
      { owner },
    );
    const doomed = rows.filter((row) => row.selector !== except);
    await this.#retrying(() => this.#remove(this.#pool, owner, doomed.map(selectorOf)));
    const live = doomed.filter((row) => Number(row.expires_at) > Number(row.now));
    return { status: "ok", ended: live.map(selectorOf) };
  }

  async deleteExpired(limit: number): Promise<number> {
    const bounded = Math.max(1, Math.trunc(limit));
    const deleted = await this.#retrying(() => this.#run(this.#pool, this.#sql.deleteExpired(bounded)));
    await this.#retrying(() =>
      this.#run(this.#pool, this.#sql.forgetOwners(bounded), { age: MARK_LIFETIME }),
    );
    return deleted.affected;
  }

  async live(selectors: readonly string[]): Promise<string[]> {
    if (selectors.length === 0) return [];
    const among = this.#sql.among("selector", selectors);
    const { rows } = await this.#run(
      this.#pool,
      `SELECT selector FROM hipflask_sessions WHERE ${among.sql} AND expires_at > ${this.#now}`,
      among.values,
    );
    const live = new Set(rows.map(selectorOf));
    return selectors.filter((selector) => live.has(selector));
  }

  async #change(
    selector: string,
    presented: string,
    change: Change,
    rotation?: Rotation,
  ): Promise<Ok | Gone | Stale | Conflict> {
    const { sql, values } = this.#update(change, rotation);
    return this.#claiming(selector, change.claim ?? undefined, async (connection) => {
      const elapsed = change.claim ? milliseconds(change.claim.elapsed()) : undefined;
      const { affected } = await this.#run(connection, sql, { ...values, selector, presented, elapsed });
      return affected === 1 ? OK : this.#whyNot(connection, selector, presented, change, rotation);
    });
  }

  #update(change: Change, rotation: Rotation | undefined): { sql: string; values: Values } {
    const { number } = this.#sql;
    const assignments = expiryAssignments(this.#sql, change.expiry);
    const conditions = [admitted(this.#sql)];
    const values: Values = { ...durations(change.expiry), bytes: this.#limits.bytes };

    const fields = this.#sql.changedFields({
      keep: change.keep?.map(escapeKey),
      unset: (change.unset ?? []).map(escapeKey),
      set: escaped(change.set),
    });
    if (change.keep || change.unset?.length || change.set?.size) {
      Object.assign(values, fields.values);
      assignments.push(`fields = ${fields.sql}`);
      conditions.push(this.#sql.fits(fields.sql));
    }
    for (const [index, [key, text]] of [...(change.expect ?? [])].entries()) {
      conditions.push(this.#sql.fieldIs(`key${index}`, `text${index}`));
      Object.assign(values, { [`key${index}`]: this.#sql.fieldPath(escapeKey(key)), [`text${index}`]: text });
    }
    if (change.device !== undefined) {
      assignments.push("device = :device");
      values.device = change.device;
    }
    if (change.claim !== undefined) {
      assignments.push("owner = :owner");
      values.owner = change.claim?.owner ?? null;
      if (change.claim) assignments.push(`authenticated_at = ${this.#now} - ${number("elapsed")}`);
    }
    if (rotation) {
      assignments.push(
        ifCurrent(`${this.#now} + ${number("grace")}`, "previous_until"),
        ifCurrent(this.#now, "rotated_at"),
        ifCurrent(":presented", "previous_hash"),
        ifCurrent(":next", "verifier_hash"),
      );
      conditions.push("(verifier_hash = :presented OR verifier_hash = :next)");
      Object.assign(values, { next: rotation.next, grace: milliseconds(rotation.grace) });
    }
    // A change of nothing still has to say whether it could be made.
    if (assignments.length === 0) assignments.push("previous_until = previous_until");
    return {
      sql: `UPDATE hipflask_sessions SET ${assignments.join(", ")} WHERE ${conditions.join(" AND ")}`,
      values,
    };
  }

  /** Why an update found no row. The session may have changed since; each answer was true at some moment of the call. */
  async #whyNot(
    connection: SqlConnection,
    selector: string,
    presented: string,
    change: Change,
    rotation: Rotation | undefined,
  ): Promise<Ok | Gone | Stale | Conflict> {
    const found = await this.#read(connection, selector);
    if (found.status !== "ok") return found;
    const { record, now } = found;
    if (rotation && alreadyRotated(record, presented, rotation)) return OK;
    if (!admits(record, presented, now)) return STALE;
    if (rotation && presented !== record.verifierHash && rotation.next !== record.verifierHash)
      return ROTATED;
    if (!expectationsHold(record.fields, change.expect))
      return { status: "conflict", reason: "expected", record };
    if (jsonSize(changed(record, change, now).fields) > this.#limits.bytes) throw tooLarge(this.#limits);
    return change.expect ? { status: "conflict", reason: "expected", record } : STALE;
  }

  /** Runs `write` alone, or with the row of the owner locked, the claim admitted, and room made by its limit. */
  async #claiming<Other extends Gone | Stale | Conflict>(
    selector: string,
    claim: Claim | undefined,
    write: (connection: SqlConnection) => Promise<Ok | Other>,
  ): Promise<Ok | Other | Stale | Conflict> {
    if (!claim) return this.#retrying(() => write(this.#pool));
    return this.#retrying(() =>
      this.#guard(() =>
        this.#pool.transaction<Ok | Other | Stale | Conflict>(async (connection) => {
          const admission = await this.#admit(connection, selector, claim);
          if (admission.status !== "ok") return { result: admission, commit: false };
          const written = await write(connection);
          return written.status === "ok"
            ? { result: admission, commit: true }
            : { result: written, commit: false };
        }),
      ),
    );
  }

  async #admit(connection: SqlConnection, selector: string, claim: Claim): Promise<Ok | Stale | Conflict> {
    const { owner, limit } = claim;
    await this.#run(connection, this.#sql.lockOwner, { owner });
    const mark = await this.#run(
      connection,
      `SELECT ${this.#now} - revoked_at AS age FROM hipflask_owners WHERE owner = :owner`,
      { owner },
    );
    if (isRevoked(claim, Number(mark.rows[0]?.age))) return REVOKED;
    if (!limit) return OK;
    const { rows } = await this.#run(
      connection,
      `SELECT selector FROM hipflask_sessions WHERE owner = :owner AND expires_at > ${this.#now} AND selector <> :selector
       ORDER BY authenticated_at DESC, selector`,
      { owner, selector },
    );
    if (rows.length < limit.max) return OK;
    if (limit.overflow === "refuse") return LIMIT_REACHED;
    const ended = rows.slice(limit.max - 1).map(selectorOf);
    await this.#remove(connection, owner, ended);
    return { status: "ok", ended };
  }

  async #remove(connection: SqlConnection, owner: string, selectors: readonly string[]): Promise<void> {
    if (selectors.length === 0) return;
    const among = this.#sql.among("selector", selectors);
    await this.#run(connection, `DELETE FROM hipflask_sessions WHERE ${among.sql} AND owner = :owner`, {
      ...among.values,
      owner,
    });
  }

  async #read(connection: SqlConnection, selector: string): Promise<Found | Gone> {
    const { rows } = await this.#run(
      connection,
      `SELECT ${this.#columns()} FROM hipflask_sessions WHERE selector = :selector AND expires_at > ${this.#now}`,
      { selector },
    );
    const [row] = rows;
    if (!row) return GONE;
    const record = recordOfRow(row, unescapeKey);
    return record ? { status: "ok", record, now: Number(row.now) } : UNDECODABLE;
  }

  #columns(): string {
    return `${COLUMNS.replace("fields", `${this.#sql.fieldsText} AS fields`)}, ${this.#now} AS now`;
  }

  #run(
    connection: SqlConnection,
    sql: string,
    values: Values = {},
  ): Promise<{ rows: Row[]; affected: number }> {
    const statement = compile(this.#sql, sql, { ...values, offset: this.#clockOffset() });
    return this.#guard(() => connection.query(statement.text, statement.values));
  }

  /** Errors that are answers pass as they are; all others are told without statements and values. */
  async #guard<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      if (this.#sql.isDuplicate(error) || this.#sql.isSerializationFailure(error)) throw error;
      throw storeError("sql", error);
    }
  }

  async #retrying<Result>(act: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act();
      } catch (error) {
        if (!this.#sql.isSerializationFailure(error)) throw error;
        if (attempt === ATTEMPTS) throw storeError("sql", error);
      }
    }
  }

  #unlessDuplicate(error: unknown): number {
    if (this.#sql.isDuplicate(error)) return 0;
    throw error;
  }
}

function affectedRows({ affected }: { affected: number }): number {
  return affected;
}

function selectorOf(row: Row): string {
  return String(row.selector);
}

function escaped(fields: Iterable<readonly [key: string, text: string]> = []): Record<string, string> {
  const object: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, text] of fields) object[escapeKey(key)] = text;
  return object;
}

/** What the engines compare with the limit: `fields` as JSON text, with the blanks that PostgreSQL writes. */
function jsonSize(fields: Fields): number {
  return Buffer.byteLength(JSON.stringify(escaped(fields))) + 2 * fields.size;
}

function ifCurrent(value: string, column: string): string {
  return `${column} = CASE WHEN verifier_hash = :presented THEN ${value} ELSE ${column} END`;
}

function durations(expiry: Change["expiry"]): Values {
  if (!expiry) return {};
  return {
    idle: milliseconds(expiry.idle),
    ...(typeof expiry.absolute === "number" && { absolute: milliseconds(expiry.absolute) }),
  };
}
