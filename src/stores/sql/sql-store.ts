import { unescapeKey } from "../field-key.ts";
import {
  checkChange,
  checkNewSession,
  checkRotation,
  DEFAULT_LIMITS,
  tooLarge,
  type RecordLimits,
} from "../limits.ts";
import { MARK_LIFETIME } from "../local-store.ts";
import {
  admits,
  alreadyRotated,
  changed,
  expectationsHold,
  latestFirst,
  milliseconds,
  sessionInfo,
} from "../record.ts";
import { selectorOf, SqlEngine, type SqlConnection, type SqlPool } from "./engine.ts";
import { SqlOwners } from "./owners.ts";
import { recordOfRow } from "./row.ts";
import { insertion, jsonSize, touching, update } from "./statements.ts";
import { COLUMNS, type Dialect } from "./dialect.ts";
import {
  GONE,
  OK,
  ROTATED,
  STALE,
  TAKEN,
  UNDECODABLE,
  type Change,
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
} from "../verbs.ts";

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

/** The contract over SQL: every verb is one conditional statement, and only a claim is a transaction; see `SqlOwners`. */
export class SqlStore implements SqlSessionStore {
  readonly traits = { atomic: true, indexed: true };
  readonly #engine: SqlEngine;
  readonly #owners: SqlOwners;
  readonly #limits: RecordLimits;
  /** The beginning of every SELECT of records. */
  readonly #select: string;

  constructor(pool: SqlPool, dialect: Dialect, { limits, clockOffset }: SqlStoreOptions) {
    this.#engine = new SqlEngine(pool, dialect, clockOffset ?? (() => 0));
    this.#owners = new SqlOwners(this.#engine);
    this.#limits = limits ?? DEFAULT_LIMITS;
    const columns = COLUMNS.replace("fields", `${dialect.fieldsText} AS fields`);
    this.#select = `SELECT ${columns}, ${this.#engine.now} AS now FROM hipflask_sessions`;
  }

  async migrate(): Promise<void> {
    const engine = this.#engine;
    for (const statement of engine.dialect.schema) {
      await engine.run(statement).catch((error: unknown) => {
        // Of processes that start at once several may find a table missing; those that lose find it when they look again.
        if (!engine.dialect.isDuplicate(error)) throw error;
        return engine.run(statement);
      });
    }
  }

  async create(session: NewSession): Promise<Ok | Stale | Conflict> {
    checkNewSession(session, this.#limits);
    const { selector, claim } = session;
    const { sql, values } = insertion(this.#engine.dialect, session);
    return this.#owners.claiming(selector, claim, async (connection) => {
      const elapsed = claim && milliseconds(claim.elapsed());
      try {
        const { affected } = await this.#engine.run(sql, { ...values, elapsed }, connection);
        return affected === 1 ? OK : TAKEN;
      } catch (error) {
        if (this.#engine.dialect.isDuplicate(error)) return TAKEN;
        throw error;
      }
    });
  }

  async read(selector: string): Promise<Found | Gone> {
    return this.#read(selector);
  }

  async patch(selector: string, presented: string, change: Change): Promise<Ok | Gone | Stale | Conflict> {
    checkChange(change, this.#limits);
    return this.#change(selector, presented, change);
  }

  async touch(selector: string, presented: string, { idle, every = 0 }: Touch): Promise<Ok | Gone | Stale> {
    checkChange({ expiry: { idle } }, this.#limits);
    const { sql, values } = touching(this.#engine.dialect, idle, every);
    const { affected } = await this.#engine.run(sql, { ...values, selector, presented });
    if (affected === 1) return OK;
    const found = await this.#read(selector);
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
    const { affected } = await this.#engine.run(
      `DELETE FROM hipflask_sessions WHERE selector = :selector AND expires_at > ${this.#engine.now}`,
      { selector },
    );
    return affected === 1 ? OK : GONE;
  }

  async list(owner: string): Promise<SessionInfo[]> {
    const { rows } = await this.#engine.run(
      `${this.#select} WHERE owner = :owner AND expires_at > ${this.#engine.now}`,
      { owner },
    );
    return rows
      .flatMap((row) => recordOfRow(row, unescapeKey) ?? [])
      .map(sessionInfo)
      .sort(latestFirst);
  }

  async destroyAll(owner: string, { except }: { except?: string | undefined } = {}): Promise<Ended> {
    await this.#owners.mark(owner);
    const { rows } = await this.#engine.run(
      `SELECT selector, expires_at, ${this.#engine.now} AS now FROM hipflask_sessions WHERE owner = :owner`,
      { owner },
    );
    const doomed = rows.filter((row) => row.selector !== except);
    await this.#engine.retrying(() => this.#owners.remove(owner, doomed.map(selectorOf)));
    const live = doomed.filter((row) => Number(row.expires_at) > Number(row.now));
    return { status: "ok", ended: live.map(selectorOf) };
  }

  async deleteExpired(limit: number): Promise<number> {
    const bounded = Math.max(1, Math.trunc(limit));
    const { dialect } = this.#engine;
    const deleted = await this.#engine.retrying(() => this.#engine.run(dialect.deleteExpired(bounded)));
    await this.#engine.retrying(() =>
      this.#engine.run(dialect.forgetOwners(bounded), { age: MARK_LIFETIME }),
    );
    return deleted.affected;
  }

  async live(selectors: readonly string[]): Promise<string[]> {
    if (selectors.length === 0) return [];
    const among = this.#engine.dialect.among("selector", selectors);
    const { rows } = await this.#engine.run(
      `SELECT selector FROM hipflask_sessions WHERE ${among.sql} AND expires_at > ${this.#engine.now}`,
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
    const { sql, values } = update(this.#engine.dialect, change, rotation, this.#limits.bytes);
    return this.#owners.claiming(selector, change.claim ?? undefined, async (connection) => {
      const elapsed = change.claim ? milliseconds(change.claim.elapsed()) : undefined;
      const named = { ...values, selector, presented, elapsed };
      const { affected } = await this.#engine.run(sql, named, connection);
      return affected === 1 ? OK : this.#whyNot(connection, selector, presented, change, rotation);
    });
  }

  /** Why an update found no row. The session may have changed since; each answer was true at some moment of the call. */
  async #whyNot(
    connection: SqlConnection,
    selector: string,
    presented: string,
    change: Change,
    rotation: Rotation | undefined,
  ): Promise<Ok | Gone | Stale | Conflict> {
    const found = await this.#read(selector, connection);
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

  async #read(selector: string, connection?: SqlConnection): Promise<Found | Gone> {
    const { rows } = await this.#engine.run(
      `${this.#select} WHERE selector = :selector AND expires_at > ${this.#engine.now}`,
      { selector },
      connection,
    );
    const [row] = rows;
    if (!row) return GONE;
    const record = recordOfRow(row, unescapeKey);
    return record ? { status: "ok", record, now: Number(row.now) } : UNDECODABLE;
  }
}
