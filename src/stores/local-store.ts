import { systemClock } from "../itsdangerous/system-clock.ts";
import {
  checkChange,
  checkNewSession,
  checkRotation,
  checkSize,
  DEFAULT_LIMITS,
  type RecordLimits,
} from "./limits.ts";
import { unpack } from "./packed.ts";
import {
  admits,
  alreadyRotated,
  changed,
  expectationsHold,
  isRevoked,
  latestFirst,
  milliseconds,
  newRecord,
  rotated,
  sessionInfo,
} from "./record.ts";
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
  type SessionRecord,
  type SessionStore,
  type Stale,
  type Touch,
} from "./store.ts";

/** How long a `destroyAll` is remembered, in milliseconds: no login takes longer than a day. */
export const MARK_LIFETIME = 24 * 3600 * 1000;

/** Records and owners that this process can reach without waiting. */
export interface LocalTables {
  /** The packed record, also of an expired session. */
  get(selector: string): { readonly text: string; readonly expiresAt: number } | undefined;
  /** Inserts, or replaces `before`. */
  save(record: SessionRecord, before: SessionRecord | null): void;
  remove(selector: string): void;
  /** Removes up to `limit` records with a deadline of `now` or before, and says how many. */
  removeExpired(now: number, limit: number): number;
  sessionsOf(owner: string): Iterable<string>;
  /** When all sessions of an owner were last ended; `undefined` if never or forgotten. */
  markOf(owner: string): number | undefined;
  mark(owner: string, now: number): void;
  forgetMarks(before: number): void;
}

/** Runs work on the tables, all of it or nothing, with nobody else in between. */
export interface LocalEngine {
  read<Result>(work: (tables: LocalTables) => Result): Promise<Result>;
  write<Result>(work: (tables: LocalTables) => Result): Promise<Result>;
  close?(): Promise<void>;
}

/** The contract over tables in reach: what the memory store and the SQLite store have in common, which is nearly all. */
export class LocalStore implements SessionStore {
  readonly traits = { atomic: true, indexed: true };
  readonly #engine: LocalEngine;
  readonly #now: () => number;
  readonly #limits: RecordLimits;

  constructor(engine: LocalEngine, now: () => number = systemClock, limits: RecordLimits = DEFAULT_LIMITS) {
    this.#engine = engine;
    this.#now = now;
    this.#limits = limits;
  }

  async create(session: NewSession): Promise<Ok | Stale | Conflict> {
    checkNewSession(session, this.#limits);
    return this.#engine.write((tables) => {
      const now = this.#now();
      if (tables.get(session.selector)) return TAKEN;
      const claimed = admitClaim(tables, session.selector, session.claim, now);
      if (claimed.status === "ok") tables.save(newRecord(session, now), null);
      return claimed;
    });
  }

  async read(selector: string): Promise<Found | Gone> {
    return this.#engine.read((tables) => {
      const now = this.#now();
      const record = find(tables, selector, now);
      return "status" in record ? record : { status: "ok", record, now };
    });
  }

  async patch(selector: string, presented: string, change: Change): Promise<Ok | Gone | Stale | Conflict> {
    checkChange(change, this.#limits);
    return this.#engine.write((tables) => {
      const now = this.#now();
      const record = find(tables, selector, now);
      if ("status" in record) return record;
      if (!admits(record, presented, now)) return STALE;
      return this.#apply(tables, record, record, change, now);
    });
  }

  async touch(selector: string, presented: string, { idle, every = 0 }: Touch): Promise<Ok | Gone | Stale> {
    const expiry = { idle };
    checkChange({ expiry }, this.#limits);
    return this.#engine.write((tables) => {
      const now = this.#now();
      const record = find(tables, selector, now);
      if ("status" in record) return record;
      if (!admits(record, presented, now)) return STALE;
      if (now >= record.lastSeenAt + milliseconds(every))
        tables.save(changed(record, { expiry }, now), record);
      return OK;
    });
  }

  async rotate(
    selector: string,
    presented: string,
    rotation: Rotation,
  ): Promise<Ok | Gone | Stale | Conflict> {
    checkRotation(rotation, this.#limits);
    return this.#engine.write((tables) => {
      const now = this.#now();
      const record = find(tables, selector, now);
      if ("status" in record) return record;
      if (alreadyRotated(record, presented, rotation)) return OK;
      if (!admits(record, presented, now)) return STALE;
      const next = rotated(record, presented, rotation, now);
      return next ? this.#apply(tables, record, next, rotation.change ?? {}, now) : ROTATED;
    });
  }

  async destroy(selector: string): Promise<Ok | Gone> {
    return this.#engine.write((tables) => {
      const isLive = !("status" in find(tables, selector, this.#now()));
      tables.remove(selector);
      return isLive ? OK : GONE;
    });
  }

  async list(owner: string): Promise<SessionInfo[]> {
    return this.#engine.read((tables) =>
      ownedBy(tables, owner, this.#now()).map(sessionInfo).sort(latestFirst),
    );
  }

  async destroyAll(owner: string, { except }: { except?: string | undefined } = {}): Promise<Ended> {
    return this.#engine.write((tables) => {
      const now = this.#now();
      tables.mark(owner, now);
      const ended = ownedBy(tables, owner, now)
        .map((record) => record.selector)
        .filter((selector) => selector !== except);
      for (const selector of ended) tables.remove(selector);
      return { status: "ok", ended };
    });
  }

  async deleteExpired(limit: number): Promise<number> {
    return this.#engine.write((tables) => {
      const now = this.#now();
      tables.forgetMarks(now - MARK_LIFETIME);
      return tables.removeExpired(now, limit);
    });
  }

  async live(selectors: readonly string[]): Promise<string[]> {
    return this.#engine.read((tables) => {
      const now = this.#now();
      return selectors.filter((selector) => !("status" in find(tables, selector, now)));
    });
  }

  async close(): Promise<void> {
    await this.#engine.close?.();
  }

  /** Applies `change` to `record`, which may be under a new verifier already, in place of `before`. */
  #apply(
    tables: LocalTables,
    before: SessionRecord,
    record: SessionRecord,
    change: Change,
    now: number,
  ): Ok | Stale | Conflict {
    if (!expectationsHold(before.fields, change.expect)) {
      return { status: "conflict", reason: "expected", record: before };
    }
    const after = changed(record, change, now);
    checkSize(after.fields, this.#limits);
    const claimed = admitClaim(tables, record.selector, change.claim, now);
    if (claimed.status === "ok" && after !== before) tables.save(after, before);
    return claimed;
  }
}

/** The live record, or that there is none. */
function find(tables: LocalTables, selector: string, now: number): SessionRecord | Gone {
  const stored = tables.get(selector);
  if (stored === undefined || stored.expiresAt <= now) return GONE;
  return unpack(selector, stored.text) ?? UNDECODABLE;
}

function ownedBy(tables: LocalTables, owner: string, now: number): SessionRecord[] {
  const records: SessionRecord[] = [];
  for (const selector of tables.sessionsOf(owner)) {
    const record = find(tables, selector, now);
    if (!("status" in record)) records.push(record);
  }
  return records;
}

/** Whether the claim may be made; ends the oldest sessions where its limit says so. */
function admitClaim(
  tables: LocalTables,
  selector: string,
  claim: Claim | null | undefined,
  now: number,
): Ok | Stale | Conflict {
  if (!claim) return OK;
  const mark = tables.markOf(claim.owner);
  if (mark !== undefined && isRevoked(claim, now - mark)) return REVOKED;
  if (!claim.limit) return OK;
  const others = ownedBy(tables, claim.owner, now).filter((record) => record.selector !== selector);
  const tooMany = others.length + 1 - claim.limit.max;
  if (tooMany <= 0) return OK;
  if (claim.limit.overflow === "refuse") return LIMIT_REACHED;
  const ended = others
    .sort(latestFirst)
    .slice(-tooMany)
    .map((record) => record.selector);
  for (const victim of ended) tables.remove(victim);
  return { status: "ok", ended };
}
