import { hash } from "node:crypto";
import { MARK_LIFETIME } from "../local-store.ts";
import { isRevoked, milliseconds } from "../record.ts";
import type { RedisEngine } from "./engine.ts";
import { CONFIRM, DELIST, ENLIST, MARK, MEMBERS } from "./scripts.ts";
import type { RedisSessions } from "./sessions.ts";
import { LIMIT_REACHED, REVOKED, type Claim, type Conflict, type Stale } from "../verbs.ts";

/** Milliseconds for which a session that is filed but not written yet is taken for one that is being written. */
const PENDING = 10_000;

/** A session that is filed under its owner and has to be written and confirmed now. */
export interface Filed {
  readonly status: "filed";
  /** Sessions that the limit ended; they are out of the index and still have to be destroyed. */
  readonly ended: readonly string[];
}

/**
 * The index of sessions by owner. On a cluster an owner and a session live in different slots, so no script reaches both.
 * What keeps them together is an order: a claim files the session, writes it, and **confirms**; `destroyAll` marks the
 * owner before it destroys. Whichever way the two interleave, the claim sees the mark before it is acknowledged.
 */
export class RedisOwners {
  readonly #engine: RedisEngine;
  readonly #prefix: string;
  readonly #sessions: RedisSessions;

  constructor(engine: RedisEngine, prefix: string, sessions: RedisSessions) {
    this.#engine = engine;
    this.#prefix = prefix;
    this.#sessions = sessions;
  }

  async file(selector: string, claim: Claim): Promise<Filed | Stale | Conflict> {
    const { owner, limit } = claim;
    const enlist = (overflow: string) =>
      this.#engine.run(
        ENLIST,
        this.#keys(owner),
        selector,
        milliseconds(claim.elapsed()),
        limit?.max ?? 0,
        overflow,
      ) as Promise<[status: string, age: string | string[], ended: string[]]>;

    let [status, age, ended] = await enlist("check");
    if (status === "check") {
      await this.prune(owner, age as string[]);
      [status, age, ended] = await enlist(limit!.overflow);
    }
    if (status === "limit") return LIMIT_REACHED;
    if (age === "" || !isRevoked(claim, Number(age))) return { status: "filed", ended };
    await this.withdraw(owner, selector);
    return REVOKED;
  }

  /** After the session was written: whether the claim stands. If not, the session has to go. */
  async confirm(selector: string, claim: Claim): Promise<Stale | Conflict | undefined> {
    const answer = (await this.#engine.run(CONFIRM, this.#keys(claim.owner), selector)) as [string, string];
    if (answer[0] === "limit") return LIMIT_REACHED;
    if (answer[1] === "" || !isRevoked(claim, Number(answer[1]))) return undefined;
    await this.withdraw(claim.owner, selector);
    return REVOKED;
  }

  async withdraw(owner: string, ...selectors: string[]): Promise<void> {
    if (selectors.length > 0) await this.#engine.run(DELIST, this.#keys(owner), 0, ...selectors);
  }

  async members(owner: string): Promise<string[]> {
    return (await this.#engine.run(MEMBERS, this.#keys(owner))) as string[];
  }

  /** Forbids claims that began before now, and answers whom that leaves to be destroyed. */
  async mark(owner: string): Promise<string[]> {
    return (await this.#engine.run(MARK, this.#keys(owner), MARK_LIFETIME)) as string[];
  }

  /** Takes members out of the index that are no live sessions of the owner. */
  async prune(owner: string, members: readonly string[]): Promise<void> {
    const owned = await this.#sessions.ownedBy(owner, members);
    const live = new Set(owned.map((record) => record.selector));
    await this.forget(
      owner,
      members.filter((selector) => !live.has(selector)),
    );
  }

  /** Takes members out of the index, unless they are being written just now. */
  async forget(owner: string, selectors: readonly string[]): Promise<void> {
    if (selectors.length > 0) await this.#engine.run(DELIST, this.#keys(owner), PENDING, ...selectors);
  }

  /** Takes up to `limit` members that are no live sessions out of the index of that name, and says how many. */
  async tidy(index: string, limit: number): Promise<number> {
    const keys = keysOf(index.slice(0, -":index".length));
    const members = (await this.#engine.run(MEMBERS, keys)) as string[];
    const live = new Set(await this.#sessions.live(members));
    const dead = members.filter((selector) => !live.has(selector)).slice(0, limit);
    return dead.length === 0 ? 0 : Number(await this.#engine.run(DELIST, keys, PENDING, ...dead));
  }

  #keys(owner: string): string[] {
    return keysOf(`${this.#prefix}owner:{${hash("sha256", owner, "base64url")}}`);
  }
}

function keysOf(tag: string): string[] {
  return [`${tag}:index`, `${tag}:mark`, `${tag}:pending`];
}
