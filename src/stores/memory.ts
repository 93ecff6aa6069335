import { StoreError } from "../errors.ts";
import {
  checkChange,
  checkNewSession,
  checkRotation,
  checkSize,
  DEFAULT_LIMITS,
  type RecordLimits,
} from "./limits.ts";
import { MemoryTable } from "./memory-table.ts";
import { OwnerIndex } from "./owner-index.ts";
import { pack, unpack } from "./packed.ts";
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

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Sessions it may hold; one more is refused with a `StoreError` ("full"), for none that was acknowledged is ever dropped. Default 1 000 000. */
  readonly maxSessions?: number;
  /** Bytes all records together may have. Default 512 MiB. */
  readonly maxBytes?: number;
  readonly limits?: RecordLimits;
}

/**
 * Sessions in this process: for tests, and for applications of one process that may forget everybody at a restart.
 *
 * Bounded in count and bytes. Expired sessions are dead at once and make room when others are created or
 * `deleteExpired` runs. Reading and writing cost the same with a thousand sessions and with a million.
 *
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * const store = memoryStore({ maxSessions: 10_000 });
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  return new MemoryStore(options);
}

/** With nothing awaited inside a verb, JavaScript itself makes each one atomic. */
class MemoryStore implements SessionStore {
  readonly traits = { atomic: true, indexed: true };
  readonly #now: () => number;
  readonly #maxSessions: number;
  readonly #maxBytes: number;
  readonly #limits: RecordLimits;
  readonly #table = new MemoryTable();
  readonly #owners = new OwnerIndex();

  constructor({
    now = Date.now,
    maxSessions = 1e6,
    maxBytes = 2 ** 29,
    limits = DEFAULT_LIMITS,
  }: MemoryStoreOptions) {
    this.#now = now;
    this.#maxSessions = maxSessions;
    this.#maxBytes = maxBytes;
    this.#limits = limits;
  }

  async create(session: NewSession): Promise<Ok | Stale | Conflict> {
    checkNewSession(session, this.#limits);
    const now = this.#now();
    if (this.#table.get(session.selector) !== undefined) return TAKEN;
    const claimed = this.#claim(session.selector, session.claim, now);
    if (claimed.status !== "ok") return claimed;
    this.#save(newRecord(session, now), null);
    return claimed;
  }

  async read(selector: string): Promise<Found | Gone> {
    const now = this.#now();
    const record = this.#find(selector, now);
    return "status" in record ? record : { status: "ok", record, now };
  }

  async patch(selector: string, presented: string, change: Change): Promise<Ok | Gone | Stale | Conflict> {
    checkChange(change, this.#limits);
    const now = this.#now();
    const record = this.#find(selector, now, presented);
    return "status" in record ? record : this.#apply(record, record, change, now);
  }

  async touch(selector: string, presented: string, { idle, every = 0 }: Touch): Promise<Ok | Gone | Stale> {
    checkChange({ expiry: { idle } }, this.#limits);
    const now = this.#now();
    const record = this.#find(selector, now, presented);
    if ("status" in record) return record;
    if (now >= record.lastSeenAt + milliseconds(every))
      this.#save(changed(record, { expiry: { idle } }, now), record);
    return OK;
  }

  async rotate(
    selector: string,
    presented: string,
    rotation: Rotation,
  ): Promise<Ok | Gone | Stale | Conflict> {
    checkRotation(rotation, this.#limits);
    const now = this.#now();
    const record = this.#find(selector, now);
    if ("status" in record) return record;
    if (alreadyRotated(record, presented, rotation)) return OK;
    if (!admits(record, presented, now)) return STALE;
    const next = rotated(record, presented, rotation, now);
    return next ? this.#apply(record, next, rotation.change ?? {}, now) : ROTATED;
  }

  async destroy(selector: string): Promise<Ok | Gone> {
    const wasLive = !("status" in this.#find(selector, this.#now()));
    this.#remove(selector);
    return wasLive ? OK : GONE;
  }

  async list(owner: string): Promise<SessionInfo[]> {
    return this.#ownedBy(owner, this.#now()).map(sessionInfo).sort(latestFirst);
  }

  async destroyAll(owner: string, { except }: { except?: string | undefined } = {}): Promise<Ended> {
    const now = this.#now();
    this.#owners.mark(owner, now);
    const ended = this.#ownedBy(owner, now)
      .map((record) => record.selector)
      .filter((selector) => selector !== except);
    for (const selector of ended) this.#remove(selector);
    return { status: "ok", ended };
  }

  async deleteExpired(limit: number): Promise<number> {
    const now = this.#now();
    this.#owners.forgetMarks(now);
    return this.#deleteExpired(limit, now);
  }

  async live(selectors: readonly string[]): Promise<string[]> {
    const now = this.#now();
    return selectors.filter((selector) => !("status" in this.#find(selector, now)));
  }

  /** The live record, or why there is none for the caller. */
  #find(selector: string, now: number): SessionRecord | Gone;
  #find(selector: string, now: number, presented: string): SessionRecord | Gone | Stale;
  #find(selector: string, now: number, presented?: string): SessionRecord | Gone | Stale {
    const text = this.#table.get(selector);
    if (text === undefined || this.#table.expiresAt(selector) <= now) return GONE;
    const record = unpack(selector, text);
    if (record === undefined) return UNDECODABLE;
    return presented === undefined || admits(record, presented, now) ? record : STALE;
  }

  #apply(before: SessionRecord, record: SessionRecord, change: Change, now: number): Ok | Stale | Conflict {
    if (!expectationsHold(before.fields, change.expect)) {
      return { status: "conflict", reason: "expected", record: before };
    }
    const after = changed(record, change, now);
    checkSize(after.fields, this.#limits);
    const claimed = this.#claim(record.selector, change.claim, now);
    if (claimed.status === "ok") this.#save(after, before);
    return claimed;
  }

  /** Whether the claim may be made; makes room for it by its own limit. */
  #claim(selector: string, claim: Claim | null | undefined, now: number): Ok | Stale | Conflict {
    if (!claim) return OK;
    if (isRevoked(claim, now - this.#owners.markOf(claim.owner))) return REVOKED;
    if (!claim.limit) return OK;
    const others = this.#ownedBy(claim.owner, now).filter((record) => record.selector !== selector);
    const tooMany = others.length + 1 - claim.limit.max;
    if (tooMany <= 0) return OK;
    if (claim.limit.overflow === "refuse") return LIMIT_REACHED;
    const ended = others
      .sort(latestFirst)
      .slice(-tooMany)
      .map((record) => record.selector);
    for (const victim of ended) this.#remove(victim);
    return { status: "ok", ended };
  }

  #ownedBy(owner: string, now: number): SessionRecord[] {
    const records: SessionRecord[] = [];
    for (const selector of this.#owners.sessionsOf(owner)) {
      const record = this.#find(selector, now);
      if (!("status" in record)) records.push(record);
    }
    return records;
  }

  #save(record: SessionRecord, before: SessionRecord | null): void {
    const text = pack(record);
    const growth = text.length - (before ? this.#table.get(record.selector)!.length : 0);
    if (!this.#hasRoom(before ? 0 : 1, growth)) {
      this.#deleteExpired(Infinity, this.#now());
      if (!this.#hasRoom(before ? 0 : 1, growth)) throw full(this.#table.size, this.#table.bytes);
    }
    this.#table.set(record.selector, text, record.expiresAt);
    this.#owners.move(record.selector, before?.owner ?? null, record.owner);
  }

  #hasRoom(sessions: number, bytes: number): boolean {
    return this.#table.size + sessions <= this.#maxSessions && this.#table.bytes + bytes <= this.#maxBytes;
  }

  #remove(selector: string): void {
    const text = this.#table.get(selector);
    if (text === undefined) return;
    this.#table.delete(selector);
    this.#owners.move(selector, unpack(selector, text)?.owner ?? null, null);
  }

  #deleteExpired(limit: number, now: number): number {
    let deleted = 0;
    for (
      let next = this.#table.next;
      deleted < limit && next && next.expiresAt <= now;
      next = this.#table.next
    ) {
      this.#remove(next.selector);
      deleted++;
    }
    return deleted;
  }
}

function full(sessions: number, bytes: number): StoreError {
  return new StoreError(
    "full",
    `The memory store holds ${sessions} sessions in ${bytes} bytes and takes no more. Raise "maxSessions" or "maxBytes", shorten the lifetime, or use a store outside of the process.`,
  );
}
