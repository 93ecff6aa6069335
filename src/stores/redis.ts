import { escapeKey, unescapeKey } from "./field-key.ts";
import {
  checkChange,
  checkNewSession,
  checkRotation,
  DEFAULT_LIMITS,
  tooLarge,
  type RecordLimits,
} from "./limits.ts";
import { unpack } from "./packed.ts";
import { latestFirst, milliseconds, sessionInfo } from "./record.ts";
import {
  redisCommands,
  type IoRedisClient,
  type NodeRedisClient,
  type RedisCommands,
} from "./redis-client.ts";
import { RedisOwners } from "./redis-owners.ts";
import { CHANGE, CREATE, DESTROY, IS_LIVE, READ, TOUCH, type RedisScript } from "./redis-scripts.ts";
import {
  GONE,
  OK,
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
import { storeError } from "./store-error.ts";

export type { IoRedisClient, NodeRedisClient } from "./redis-client.ts";

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
  return new RedisStore(redisCommands(client), options);
}

class RedisStore implements SessionStore {
  readonly traits = { atomic: true, indexed: true };
  readonly #commands: RedisCommands;
  readonly #prefix: string;
  readonly #limits: RecordLimits;
  readonly #clockOffset: () => number;
  readonly #owners: RedisOwners;
  /** Where the next `deleteExpired` goes on, for each master. */
  readonly #cursors: string[] = [];

  constructor(commands: RedisCommands, options: RedisStoreOptions) {
    this.#commands = commands;
    this.#prefix = options.prefix ?? "hipflask:";
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#clockOffset = options.clockOffset ?? (() => 0);
    this.#owners = new RedisOwners(this.#run.bind(this), this.#prefix, async (selectors, owner) => {
      if (owner === undefined) return this.live(selectors);
      return (await this.#ownedBy(owner, selectors)).map((record) => record.selector);
    });
  }

  async create(session: NewSession): Promise<Ok | Stale | Conflict> {
    checkNewSession(session, this.#limits);
    const { selector, verifierHash, device = "", claim, expiry } = session;
    return this.#claiming(selector, claim, async () => {
      const [status] = await this.#onSession(
        CREATE,
        selector,
        verifierHash,
        claim?.owner ?? "",
        device,
        claim ? milliseconds(claim.elapsed()) : -1,
        milliseconds(expiry.idle),
        milliseconds(expiry.absolute ?? 0),
        ...flat(session.fields),
      );
      return status === "ok" ? OK : TAKEN;
    });
  }

  async read(selector: string): Promise<Found | Gone> {
    const [text, time] = await this.#onSession(READ, selector);
    if (text === null || text === undefined) return GONE;
    const now = Number(time);
    const record = unpack(selector, text, unescapeKey);
    if (!record) return UNDECODABLE;
    return record.expiresAt <= now ? GONE : { status: "ok", record, now };
  }

  async patch(selector: string, presented: string, change: Change): Promise<Ok | Gone | Stale | Conflict> {
    checkChange(change, this.#limits);
    return this.#change(selector, presented, change);
  }

  async touch(selector: string, presented: string, { idle, every = 0 }: Touch): Promise<Ok | Gone | Stale> {
    checkChange({ expiry: { idle } }, this.#limits);
    const [status] = await this.#onSession(
      TOUCH,
      selector,
      presented,
      milliseconds(idle),
      milliseconds(every),
    );
    return status === "ok" ? OK : status === "stale" ? STALE : GONE;
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
    const [status, owner] = await this.#onSession(DESTROY, selector, "");
    if (status !== "ok") return GONE;
    if (owner) await this.#owners.forget(owner, [selector]);
    return OK;
  }

  async list(owner: string): Promise<SessionInfo[]> {
    const members = await this.#owners.members(owner);
    const records = await this.#ownedBy(owner, members);
    if (records.length < members.length) await this.#owners.prune(owner, members);
    return records.map(sessionInfo).sort(latestFirst);
  }

  async destroyAll(owner: string, { except }: { except?: string | undefined } = {}): Promise<Ended> {
    const members = (await this.#owners.mark(owner)).filter((selector) => selector !== except);
    const answers = await Promise.all(members.map((selector) => this.#onSession(DESTROY, selector, owner)));
    await this.#owners.forget(owner, members);
    return { status: "ok", ended: members.filter((_, index) => answers[index]![0] === "ok") };
  }

  /** Redis removes sessions itself; what is left in the indexes of owners is tidied here, some keys at each call. */
  async deleteExpired(limit: number): Promise<number> {
    const match = `${this.#prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}owner:{*}:index`;
    let removed = 0;
    for (const [master, scan] of this.#commands.scanners().entries()) {
      if (removed >= limit) break;
      const step = await this.#guard(() => scan(this.#cursors[master] ?? "0", match, 1000));
      for (const index of step.keys) removed += await this.#owners.tidy(index, limit - removed);
      if (removed < limit) this.#cursors[master] = step.cursor;
    }
    return removed;
  }

  async live(selectors: readonly string[]): Promise<string[]> {
    const answers = await Promise.all(selectors.map((selector) => this.#run(IS_LIVE, [this.#key(selector)])));
    return selectors.filter((_, index) => Number(answers[index]) === 1);
  }

  async #change(
    selector: string,
    presented: string,
    change: Change,
    rotation?: Rotation,
  ): Promise<Ok | Gone | Stale | Conflict> {
    return this.#claiming(selector, change.claim ?? undefined, async () => {
      const answer = await this.#onSession(
        CHANGE,
        selector,
        presented,
        rotation?.next ?? "",
        milliseconds(rotation?.grace ?? 0),
        toScript(change),
        this.#limits.fields,
        this.#limits.bytes,
      );
      switch (answer[0]) {
        case "ok":
          if (answer[1]) await this.#owners.prune(answer[1], [selector]);
          return OK;
        case "stale":
          return STALE;
        case "rotated":
          return ROTATED;
        case "expected":
          return conflictWith(unpack(selector, answer[1]!, unescapeKey));
        case "too-large":
          throw tooLarge(this.#limits);
        default:
          return GONE;
      }
    });
  }

  /** Writes a session between filing it under its owner and confirming that; see `RedisOwners`. */
  async #claiming<Other extends Gone | Stale | Conflict>(
    selector: string,
    claim: Claim | undefined,
    write: () => Promise<Ok | Other>,
  ): Promise<Ok | Stale | Conflict | Other> {
    if (!claim) return write();
    const filed = await this.#owners.file(selector, claim);
    if (filed.status !== "filed") return filed;
    await Promise.all(filed.ended.map((victim) => this.#onSession(DESTROY, victim, claim.owner)));
    const written = await write();
    if (written.status !== "ok") {
      // Not filed after all – unless it was before, by an earlier claim: then it is a live session of this owner.
      await this.#owners.confirm(selector, claim);
      await this.#owners.prune(claim.owner, [selector]);
      return written;
    }
    const refused = await this.#owners.confirm(selector, claim);
    if (refused) {
      await this.#onSession(DESTROY, selector, "");
      return refused;
    }
    return filed.ended.length > 0 ? { status: "ok", ended: filed.ended } : OK;
  }

  async #ownedBy(owner: string, selectors: readonly string[]): Promise<SessionRecord[]> {
    const answers = await Promise.all(selectors.map((selector) => this.read(selector)));
    return answers.flatMap((answer) =>
      answer.status === "ok" && answer.record.owner === owner ? [answer.record] : [],
    );
  }

  #key(selector: string): string {
    return `${this.#prefix}session:{${selector}}`;
  }

  async #onSession(
    script: RedisScript,
    selector: string,
    ...values: Array<string | number>
  ): Promise<string[]> {
    return (await this.#run(script, [this.#key(selector)], ...values)) as string[];
  }

  #run(script: RedisScript, keys: readonly string[], ...values: Array<string | number>): Promise<unknown> {
    const offset = this.#clockOffset();
    return this.#guard(() => this.#commands.run(script, keys, [offset, ...values].map(String)));
  }

  async #guard<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      throw storeError("redis", error);
    }
  }
}

function conflictWith(record: SessionRecord | undefined): Conflict | Gone {
  return record ? { status: "conflict", reason: "expected", record } : UNDECODABLE;
}

function flat(pairs: Iterable<readonly [key: string, text: string]>): string[] {
  return [...pairs].flatMap(([key, text]) => [escapeKey(key), text]);
}

/** A change as the script reads it: `false` for `null`, which Lua has no value for. */
function toScript(change: Change): string {
  const { expiry, claim } = change;
  return JSON.stringify({
    expect: [...(change.expect ?? [])].flatMap(([key, text]) => [escapeKey(key), text ?? false]),
    keep: change.keep?.map(escapeKey),
    unset: (change.unset ?? []).map(escapeKey),
    set: flat(change.set ?? []),
    idle: expiry && milliseconds(expiry.idle),
    absolute:
      expiry?.absolute === undefined ? undefined : expiry.absolute !== null && milliseconds(expiry.absolute),
    owner: claim === undefined ? undefined : (claim?.owner ?? ""),
    elapsed: claim ? milliseconds(claim.elapsed()) : undefined,
    device: change.device,
  });
}
