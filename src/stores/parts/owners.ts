import { hash } from "node:crypto";
import { StoreError } from "../../errors.ts";
import { ANCESTORS, CommitLoop, type CommitFormat, type Known, type Step } from "./commit.ts";
import { milliseconds } from "./record.ts";
import type { StoreCalls } from "./store-calls.ts";

/** Limits the live sessions of one owner, also when logins run in parallel. */
export interface OwnerLimit {
  /** At least 1. */
  readonly max: number;
  /** A login above the limit is refused, or ends the session with the oldest login. */
  readonly overflow: "refuse" | "end-oldest";
}

/** A login that is to be registered in its owner's record. */
export interface Login {
  readonly owner: string;
  /**
   * Seconds since the login began, which is when the request arrived. If all sessions of the owner were ended during this time,
   * the login fails.
   */
  readonly elapsed: () => number;
  /**
   * Revocation time of a `destroyAll` that the same request called before the login: the login counts as later than
   * that.
   */
  readonly after?: number | undefined;
}

/** The record of one owner. */
interface OwnerRecord {
  /** Revocation time: sessions whose login began before it have ended; 0 if there was none. */
  readonly revokedAt: number;
  readonly renewedAt: number;
  /** Selectors of the sessions with the time of their registration, oldest first. */
  readonly sessions: ReadonlyMap<string, number>;
  /** Sessions that have ended and whose records may still exist. */
  readonly ending: ReadonlySet<string>;
  readonly ancestors: string;
}

/** The result of {@link Owners.register}. */
export type Registered =
  | { readonly status: "ok"; readonly authenticatedAt: number; readonly ended: readonly string[] }
  | { readonly status: "revoked" | "limit" };

/** The result of {@link Owners.confirm}. */
export type Confirmed = "ok" | "revoked" | "displaced";

const FORMAT = "o1";
const NO_SESSIONS: OwnerRecord = {
  revokedAt: 0,
  renewedAt: 0,
  sessions: new Map(),
  ending: new Set(),
  ancestors: "",
};
const DAY = 24 * 60 * 60;
/** Milliseconds during which a registered session may not have been written yet. */
const WRITE_TIME = 60_000;

/**
 * Keeps a record for each owner that lists the owner's sessions. It is in the same store and changed by the same
 * compare-and-set, so no engine needs an index. Its correctness depends on this order:
 *
 * - a login **registers** its session here, **writes** the session, and then **confirms** that it is still registered;
 * - `destroyAll` sets the **revocation time** and takes all sessions out of the list in one step, and then **removes** them.
 *
 * In every interleaving, a login that began before the revocation time fails or its session ends: it sees the revocation time
 * when it registers, or `destroyAll` sees it registered and removes the session, or it is no longer in the list when it
 * confirms.
 */
export class Owners {
  readonly #loop: CommitLoop<string, OwnerRecord>;
  readonly #limit: OwnerLimit;
  /** Seconds. */
  readonly #lifetime: number;
  readonly #live: (selectors: readonly string[]) => Promise<readonly string[]>;

  /** @param longest the longest idle timeout of a session in seconds; an owner's record lives longer */
  constructor(
    calls: StoreCalls,
    options: {
      readonly limit: OwnerLimit;
      readonly longest: number;
      /** Returns those of the sessions that are live. */
      readonly live: (selectors: readonly string[]) => Promise<readonly string[]>;
    },
  ) {
    this.#loop = new CommitLoop(calls, format);
    this.#limit = options.limit;
    this.#lifetime = 2 * options.longest + DAY;
    this.#live = options.live;
  }

  /**
   * Registers a session before it is written. "revoked": all sessions of the owner were ended since the login began; "limit":
   * there are too many. `ended` lists the sessions that the limit has ended; remove them once this one is written.
   *
   * @param dead registered sessions that have expired; if left out, they are looked up when there are too many sessions
   */
  async register(selector: string, login: Login, dead?: ReadonlySet<string>): Promise<Registered> {
    const registered = await this.#edit<
      Registered | { readonly status: "unclear"; readonly old: readonly string[] }
    >(login.owner, ({ entry, now }) => {
      if (isRevoked(login, entry.revokedAt, now, this.#loop.clock.uncertainty))
        return { result: { status: "revoked" } };
      const sessions = new Map([...entry.sessions].filter(([name]) => name !== selector && !dead?.has(name)));
      const tooMany = sessions.size + 1 - this.#limit.max;
      const old = [...sessions].filter(([, at]) => now - at > WRITE_TIME).map(([name]) => name);
      // Some of them may have expired, so the store is asked.
      if (tooMany > 0 && dead === undefined && old.length > 0) return { result: { status: "unclear", old } };
      if (tooMany > 0 && this.#limit.overflow === "refuse") return { result: { status: "limit" } };
      const ended = [...sessions.keys()].slice(0, Math.max(0, tooMany));
      for (const name of ended) sessions.delete(name);
      sessions.set(selector, now);
      const began = login.after === undefined ? now - milliseconds(login.elapsed()) : login.after + 1;
      const authenticatedAt = Math.max(began, entry.revokedAt + 1);
      const ending = new Set([...entry.ending, ...ended]);
      return {
        result: { status: "ok", authenticatedAt, ended },
        entry: { ...entry, sessions, ending, renewedAt: now },
      };
    });
    if (registered.status !== "unclear") return registered;
    const live = new Set(await this.#live(registered.old));
    return this.register(selector, login, new Set(registered.old.filter((name) => !live.has(name))));
  }

  /**
   * Checks that a session that was registered and written has not ended since: "revoked" if all sessions of the owner were
   * ended since its login, "displaced" if the limit ended it for later logins. Also extends the record's lifetime.
   *
   * @param isLogin the session was registered by this login; if it no longer is, it was displaced before it was written
   */
  async confirm(
    owner: string,
    selector: string,
    authenticatedAt: number | null,
    isLogin = false,
  ): Promise<Confirmed> {
    const found = await this.#loop.read(keyOf(owner));
    if (typeof found === "object") {
      const { entry, now } = found;
      const confirmation = confirmedBy(entry, selector, authenticatedAt);
      const isDisplaced = isLogin && confirmation === "ok" && !entry.sessions.has(selector);
      const confirmed = isDisplaced ? "displaced" : confirmation;
      const isRecent = now - entry.renewedAt < milliseconds(this.#lifetime / 4);
      if (confirmed !== "ok" || (isRecent && entry.sessions.has(selector))) return confirmed;
    }
    // A live session extends its owner's record, and registers again if that record was lost.
    return this.#edit(owner, ({ entry, now }) => {
      const confirmed = confirmedBy(entry, selector, authenticatedAt);
      if (confirmed !== "ok") return { result: confirmed };
      const isRegistered = entry.sessions.has(selector);
      const sessions = isRegistered ? entry.sessions : new Map([...entry.sessions, [selector, now]]);
      return { result: confirmed, entry: { ...entry, sessions, renewedAt: now } };
    });
  }

  /** Takes sessions whose records were removed out of the list. */
  async unregister(owner: string, selectors: Iterable<string>): Promise<void> {
    const gone = new Set(selectors);
    await this.#edit(owner, ({ entry }) => {
      const sessions = new Map([...entry.sessions].filter(([name]) => !gone.has(name)));
      const ending = new Set([...entry.ending].filter((name) => !gone.has(name)));
      const isSame = sessions.size === entry.sessions.size && ending.size === entry.ending.size;
      return { result: undefined, entry: isSame ? undefined : { ...entry, sessions, ending } };
    });
  }

  /**
   * Sets the revocation time and ends all sessions except `except`. The revocation time is the latest that the store's clock
   * can show now, given the clock's uncertainty, and at least the registration time of every session that is ended.
   *
   * @returns the sessions whose records must be removed, and the revocation time
   */
  revokeAll(
    owner: string,
    except: string | undefined,
  ): Promise<{ readonly revokedAt: number; readonly ending: readonly string[] }> {
    return this.#edit(owner, ({ entry, now }) => {
      const registeredAt = except === undefined ? undefined : entry.sessions.get(except);
      const sessions = new Map<string, number>();
      if (except !== undefined && registeredAt !== undefined) sessions.set(except, registeredAt);
      const ending = new Set([...entry.ending, ...entry.sessions.keys()]);
      if (except !== undefined) ending.delete(except);
      let revokedAt = Math.max(Math.ceil(now + this.#loop.clock.uncertainty), entry.revokedAt + 1);
      for (const [name, at] of entry.sessions) if (name !== except) revokedAt = Math.max(revokedAt, at);
      const result = { revokedAt, ending: [...ending] };
      return { result, entry: { ...entry, sessions, ending, revokedAt, renewedAt: now } };
    });
  }

  /** The selectors of the registered sessions, latest login first. */
  async sessionsOf(owner: string): Promise<string[]> {
    const found = await this.#loop.read(keyOf(owner));
    return typeof found === "object" ? [...found.entry.sessions.keys()].toReversed() : [];
  }

  async #edit<Result>(owner: string, apply: (known: Known<OwnerRecord>) => Edit<Result>): Promise<Result> {
    const key = keyOf(owner);
    const lifetime = this.#lifetime;
    const step = (known: Known<OwnerRecord>): Step<OwnerRecord, Result> => {
      const { result, entry } = apply(known);
      return entry ? { action: "write", result, entry, lifetime } : { action: "leave", result };
    };
    const done = await this.#loop.change(key, undefined, step, { absent: NO_SESSIONS });
    if (done.status === "ok") return done.result;
    throw new StoreError(
      "unavailable",
      `The record ${key}, which lists the sessions of one owner, cannot be decoded. Remove it from the store, and the owner can log in again.`,
    );
  }
}

/** The result of a change of an owner's record, and the new record if it changes. */
interface Edit<Result> {
  readonly result: Result;
  readonly entry?: OwnerRecord | undefined;
}

/**
 * Whether the login began before the revocation time. Times are whole milliseconds, and a tie counts as before; a login that
 * took no time cannot have begun before anything.
 */
function isRevoked({ elapsed, after }: Login, revokedAt: number, now: number, uncertainty: number): boolean {
  if (after !== undefined) return revokedAt > after;
  const took = elapsed() * 1000;
  return revokedAt > 0 && took > 0 && now - revokedAt < took + 1 + uncertainty;
}

function confirmedBy(
  { revokedAt, sessions, ending }: OwnerRecord,
  selector: string,
  authenticatedAt: number | null,
): Confirmed {
  if (sessions.has(selector)) return "ok";
  if ((authenticatedAt ?? 0) <= revokedAt) return "revoked";
  return ending.has(selector) ? "displaced" : "ok";
}

/** The owner is hashed, because it may be a name or an email address, and keys appear in the logs of stores. */
function keyOf(owner: string): string {
  return `owner:${hash("sha256", owner, "base64url")}`;
}

/** `["o1", revokedAt, renewedAt, ancestors, [selector, registeredAt, …], [selector, …]]` */
const format: CommitFormat<string, OwnerRecord> = {
  decode(_, text) {
    let parts: unknown;
    try {
      parts = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (!isParts(parts)) return undefined;
    const [, revokedAt, renewedAt, ancestors, registered, ending] = parts;
    const sessions = new Map<string, number>();
    for (let at = 0; at < registered.length; at += 2)
      sessions.set(registered[at] as string, registered[at + 1] as number);
    return { revokedAt, renewedAt, ancestors, sessions, ending: new Set(ending) };
  },
  encode({ revokedAt, renewedAt, ancestors, sessions, ending }) {
    return JSON.stringify([FORMAT, revokedAt, renewedAt, ancestors, [...sessions].flat(), [...ending]]);
  },
  ancestors: ANCESTORS,
};

function isParts(value: unknown): value is [string, number, number, string, (string | number)[], string[]] {
  return (
    Array.isArray(value) &&
    value[0] === FORMAT &&
    typeof value[1] === "number" &&
    typeof value[2] === "number" &&
    typeof value[3] === "string" &&
    Array.isArray(value[4]) &&
    value[4].every((item, at) => typeof item === (at % 2 === 0 ? "string" : "number")) &&
    Array.isArray(value[5]) &&
    value[5].every((item) => typeof item === "string")
  );
}
