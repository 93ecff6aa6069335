import { checkChange, checkNewSession, checkRotation, DEFAULT_LIMITS, type RecordLimits } from "./limits.ts";
import { latestFirst, sessionInfo } from "./record.ts";
import { redisCommands, type IoRedisClient, type NodeRedisClient } from "./redis/client.ts";
import { RedisEngine } from "./redis/engine.ts";
import { RedisOwners } from "./redis/owners.ts";
import { RedisSessions } from "./redis/sessions.ts";
import {
  GONE,
  OK,
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
} from "./verbs.ts";

export type { IoRedisClient, NodeRedisClient } from "./redis/client.ts";

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** Begins the name of every key. Default `"hipflask:"`. */
  readonly prefix?: string;
  /** How large one record may grow. Default 1000 fields and 256 KiB. */
  readonly limits?: RecordLimits;
  /** Milliseconds added to the clock of Redis. For tests only: move the time without waiting. */
  readonly clockOffset?: () => number;
}

/**
 * Sessions in Redis 6.2 or later, Valkey, or a cluster of either. Takes a connected client of `@redis/client` or
 * `ioredis`; it stays yours to close.
 *
 * Every verb is one script on one key, so it is atomic and costs one round trip; a claim, which concerns a session and its
 * owner, takes three. Deadlines are those of Redis' own clock. Keys: `hipflask:session:{selector}` expires by itself;
 * `hipflask:owner:{hash of owner}:index` lists an owner's sessions and never expires, so that `volatile-*` eviction
 * policies keep it (`noeviction` is the safe one: under any other, Redis may log people out when memory is short).
 *
 * @example
 * ```ts no-run
 * import { createClient } from "@redis/client";
 * import { redisStore } from "hipflask/stores/redis";
 * const client = await createClient({ url: "redis://127.0.0.1:6379" }).connect();
 * const store = redisStore(client);
 * ```
 */
export function redisStore(
  client: NodeRedisClient | IoRedisClient,
  options: RedisStoreOptions = {},
): SessionStore {
  const { prefix = "hipflask:", limits = DEFAULT_LIMITS, clockOffset = () => 0 } = options;
  return new RedisStore(new RedisEngine(redisCommands(client), clockOffset), prefix, limits);
}

class RedisStore implements SessionStore {
  readonly traits = { atomic: true, indexed: true };
  readonly #engine: RedisEngine;
  readonly #prefix: string;
  readonly #limits: RecordLimits;
  readonly #sessions: RedisSessions;
  readonly #owners: RedisOwners;
  /** Where the next `deleteExpired` goes on, for each master. */
  readonly #cursors: string[] = [];

  constructor(engine: RedisEngine, prefix: string, limits: RecordLimits) {
    this.#engine = engine;
    this.#prefix = prefix;
    this.#limits = limits;
    this.#sessions = new RedisSessions(engine, prefix, limits);
    this.#owners = new RedisOwners(engine, prefix, this.#sessions);
  }

  async create(session: NewSession): Promise<Ok | Stale | Conflict> {
    checkNewSession(session, this.#limits);
    const write = () => this.#sessions.create(session);
    return session.claim ? this.#claiming(session.selector, session.claim, write) : write();
  }

  read(selector: string): Promise<Found | Gone> {
    return this.#sessions.read(selector);
  }

  async patch(selector: string, presented: string, change: Change): Promise<Ok | Gone | Stale | Conflict> {
    checkChange(change, this.#limits);
    return this.#change(selector, presented, change);
  }

  async touch(selector: string, presented: string, touch: Touch): Promise<Ok | Gone | Stale> {
    checkChange({ expiry: touch }, this.#limits);
    return this.#sessions.touch(selector, presented, touch);
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
    const owner = await this.#sessions.destroy(selector);
    if (owner === undefined) return GONE;
    if (owner !== "") await this.#owners.forget(owner, [selector]);
    return OK;
  }

  async list(owner: string): Promise<SessionInfo[]> {
    const members = await this.#owners.members(owner);
    const records = await this.#sessions.ownedBy(owner, members);
    if (records.length < members.length) await this.#owners.prune(owner, members);
    return records.map(sessionInfo).sort(latestFirst);
  }

  async destroyAll(owner: string, { except }: { except?: string | undefined } = {}): Promise<Ended> {
    const members = (await this.#owners.mark(owner)).filter((selector) => selector !== except);
    const owners = await Promise.all(members.map((selector) => this.#sessions.destroy(selector, owner)));
    await this.#owners.forget(owner, members);
    return { status: "ok", ended: members.filter((_, index) => owners[index] !== undefined) };
  }

  /** Redis removes sessions itself; what is left in the indexes of owners is tidied here, some keys at each call. */
  async deleteExpired(limit: number): Promise<number> {
    const match = `${this.#prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}owner:{*}:index`;
    let removed = 0;
    for (const [master, scan] of this.#engine.scanners().entries()) {
      if (removed >= limit) break;
      const step = await scan(this.#cursors[master] ?? "0", match, 1000);
      for (const index of step.keys) removed += await this.#owners.tidy(index, limit - removed);
      if (removed < limit) this.#cursors[master] = step.cursor;
    }
    return removed;
  }

  live(selectors: readonly string[]): Promise<string[]> {
    return this.#sessions.live(selectors);
  }

  async #change(
    selector: string,
    presented: string,
    change: Change,
    rotation?: Rotation,
  ): Promise<Ok | Gone | Stale | Conflict> {
    const write = async () => {
      const { answer, formerOwner } = await this.#sessions.change(selector, presented, change, rotation);
      if (formerOwner !== "") await this.#owners.prune(formerOwner, [selector]);
      return answer;
    };
    return change.claim ? this.#claiming(selector, change.claim, write) : write();
  }

  /** Writes a session between filing it under its owner and confirming that; see `RedisOwners`. */
  async #claiming<Other extends Gone | Stale | Conflict>(
    selector: string,
    claim: Claim,
    write: () => Promise<Ok | Other>,
  ): Promise<Ok | Stale | Conflict | Other> {
    const filed = await this.#owners.file(selector, claim);
    if (filed.status !== "filed") return filed;
    await Promise.all(filed.ended.map((victim) => this.#sessions.destroy(victim, claim.owner)));
    const written = await write();
    if (written.status !== "ok") {
      // Not filed after all – unless it was before, by an earlier claim: then it is a live session of this owner.
      await this.#owners.confirm(selector, claim);
      await this.#owners.prune(claim.owner, [selector]);
      return written;
    }
    const refused = await this.#owners.confirm(selector, claim);
    if (refused) {
      await this.#sessions.destroy(selector);
      return refused;
    }
    return filed.ended.length > 0 ? { status: "ok", ended: filed.ended } : OK;
  }
}
