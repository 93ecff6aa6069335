import { escapeKey, unescapeKey } from "../field-key.ts";
import { tooLarge, type RecordLimits } from "../limits.ts";
import { unpack } from "../packed.ts";
import { milliseconds } from "../record.ts";
import type { RedisEngine } from "./engine.ts";
import { CHANGE, CREATE, DESTROY, IS_LIVE, READ, TOUCH, type RedisScript } from "./scripts.ts";
import {
  GONE,
  OK,
  ROTATED,
  STALE,
  TAKEN,
  UNDECODABLE,
  type Change,
  type Conflict,
  type Found,
  type Gone,
  type NewSession,
  type Ok,
  type Rotation,
  type SessionRecord,
  type Stale,
  type Touch,
} from "../verbs.ts";

/** What became of a change, and the owner who does not have the session any more. */
export interface Changed {
  readonly answer: Ok | Gone | Stale | Conflict;
  readonly formerOwner: string;
}

/** The records, one key each: every verb is one script. Knows nothing of the indexes of owners. */
export class RedisSessions {
  readonly #engine: RedisEngine;
  readonly #prefix: string;
  readonly #limits: RecordLimits;

  constructor(engine: RedisEngine, prefix: string, limits: RecordLimits) {
    this.#engine = engine;
    this.#prefix = prefix;
    this.#limits = limits;
  }

  async create({
    selector,
    verifierHash,
    device,
    claim,
    expiry,
    fields,
  }: NewSession): Promise<Ok | Conflict> {
    const [status] = await this.#run(
      CREATE,
      selector,
      verifierHash,
      claim?.owner ?? "",
      device ?? "",
      claim ? milliseconds(claim.elapsed()) : -1,
      milliseconds(expiry.idle),
      milliseconds(expiry.absolute ?? 0),
      ...flat(fields),
    );
    return status === "ok" ? OK : TAKEN;
  }

  async read(selector: string): Promise<Found | Gone> {
    const { offset } = this.#engine;
    const [text, seconds, microseconds] = await this.#run(READ, selector);
    if (text === null || text === undefined) return GONE;
    const record = unpack(selector, text, unescapeKey);
    if (!record) return UNDECODABLE;
    const now = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000) + offset;
    return record.expiresAt <= now ? GONE : { status: "ok", record, now };
  }

  async change(
    selector: string,
    presented: string,
    change: Change,
    rotation: Rotation | undefined,
  ): Promise<Changed> {
    const [status, detail = ""] = await this.#run(
      CHANGE,
      selector,
      presented,
      rotation?.next ?? "",
      milliseconds(rotation?.grace ?? 0),
      toScript(change),
      this.#limits.fields,
      this.#limits.bytes,
    );
    return {
      answer: this.#answer(status, selector, detail),
      formerOwner: status === "ok" ? detail : "",
    };
  }

  async touch(selector: string, presented: string, { idle, every = 0 }: Touch): Promise<Ok | Gone | Stale> {
    const [status] = await this.#run(TOUCH, selector, presented, milliseconds(idle), milliseconds(every));
    return status === "ok" ? OK : status === "stale" ? STALE : GONE;
  }

  /** @returns the owner it had, or `undefined` if it was not live, or not of the `owner` it has to be of */
  async destroy(selector: string, owner = ""): Promise<string | undefined> {
    const [status, formerOwner] = await this.#run(DESTROY, selector, owner);
    return status === "ok" ? formerOwner : undefined;
  }

  async live(selectors: readonly string[]): Promise<string[]> {
    const answers = await Promise.all(
      selectors.map((selector) => this.#engine.run(IS_LIVE, [this.#key(selector)])),
    );
    return selectors.filter((_, index) => Number(answers[index]) === 1);
  }

  /** Those of the sessions that are live and the owner's. */
  async ownedBy(owner: string, selectors: readonly string[]): Promise<SessionRecord[]> {
    const answers = await Promise.all(selectors.map((selector) => this.read(selector)));
    return answers.flatMap((answer) =>
      answer.status === "ok" && answer.record.owner === owner ? [answer.record] : [],
    );
  }

  #answer(status: string | undefined, selector: string, detail: string): Ok | Gone | Stale | Conflict {
    switch (status) {
      case "ok":
        return OK;
      case "stale":
        return STALE;
      case "rotated":
        return ROTATED;
      case "expected": {
        const record = unpack(selector, detail, unescapeKey);
        return record ? { status: "conflict", reason: "expected", record } : UNDECODABLE;
      }
      case "too-large":
        throw tooLarge(this.#limits);
      default:
        return GONE;
    }
  }

  #key(selector: string): string {
    return `${this.#prefix}session:{${selector}}`;
  }

  #run(script: RedisScript, selector: string, ...values: Array<string | number>): Promise<string[]> {
    return this.#engine.run(script, [this.#key(selector)], ...values) as Promise<string[]>;
  }
}

function flat(pairs: Iterable<readonly [key: string, text: string]>): string[] {
  const list: string[] = [];
  for (const [key, text] of pairs) list.push(escapeKey(key), text);
  return list;
}

/** A change as the script reads it; what does not change is left out. `false` stands for `null`, which Lua has no value for. */
function toScript({ expect, keep, unset, set, expiry, claim, device }: Change): string {
  return JSON.stringify({
    expect: expect && [...expect].flatMap(([key, text]) => [escapeKey(key), text ?? false]),
    keep: keep?.map(escapeKey),
    unset: unset?.length ? unset.map(escapeKey) : undefined,
    set: set?.size ? flat(set) : undefined,
    idle: expiry && milliseconds(expiry.idle),
    absolute:
      expiry?.absolute === undefined ? undefined : expiry.absolute !== null && milliseconds(expiry.absolute),
    owner: claim === undefined ? undefined : (claim?.owner ?? ""),
    elapsed: claim ? milliseconds(claim.elapsed()) : undefined,
    device,
  });
}
