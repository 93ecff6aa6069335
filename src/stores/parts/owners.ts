import { hash } from "node:crypto";
import { StoreError } from "../../errors.ts";
import {
  ANCESTORS,
  CommitLoop,
  type CommitFormat,
  type CommitOptions,
  type Known,
  type Step,
} from "./commit.ts";
import { milliseconds } from "./record.ts";
import type { StoreClock } from "./store-clock.ts";
import type { Store } from "./store.ts";

/** Bounds the live sessions of one owner, however many logins run in parallel. */
export interface OwnerLimit {
  /** At least 1. */
  readonly max: number;
  /** One login too many is refused, or ends the session that logged in longest ago. */
  readonly overflow: "refuse" | "end-oldest";
}

/** An authentication that is to be filed under its owner. */
export interface Login {
  readonly owner: string;
  /**
   * Seconds since the authentication began: since the request arrived, not since the password was checked. All sessions of
   * the owner that were ended in this time end this login as well.
   */
  readonly elapsed: () => number;
  /** The mark of a `destroyAll` that this very request has waited for: the authentication counts as later than that. */
  readonly after?: number | undefined;
}

/** What belongs to one owner. */
interface OwnerRecord {
  /** All sessions whose authentication began before this moment are over; 0 if that never was. */
  readonly endedAt: number;
  readonly renewedAt: number;
  /** Selectors of the sessions with the moment of their filing, in that order. */
  readonly sessions: ReadonlyMap<string, number>;
  /** Sessions that are over and whose records may still have to be removed. */
  readonly ending: ReadonlySet<string>;
  readonly ancestors: string;
}

/** What {@link Owners.file} answers. */
export type Filed =
  | { readonly status: "ok"; readonly authenticatedAt: number; readonly ended: readonly string[] }
  | { readonly status: "revoked" | "limit" };

/** What {@link Owners.confirm} answers. */
export type Confirmed = "ok" | "revoked" | "displaced";

const FORMAT = "o1";
const NO_SESSIONS: OwnerRecord = {
  endedAt: 0,
  renewedAt: 0,
  sessions: new Map(),
  ending: new Set(),
  ancestors: "",
};
const DAY = 24 * 60 * 60;
/** A session that was filed so recently may not be written yet. */
const WRITTEN_WITHIN = 60_000;

/**
 * Which sessions belong to whom: one record for each owner, in the same store and changed by the same compare-and-set, so
 * no engine needs an index. What makes it right is an order:
 *
 * - a login **files** its session here, **writes** the session, and then **confirms** that it is still filed;
 * - `destroyAll` **marks** the moment and takes all sessions out of the list in one step, and then **removes** them.
 *
 * Whichever comes first at this record, a login that began before the mark ends: it finds the mark when it files, or
 * `destroyAll` finds it filed and removes the session, or the login finds itself gone from the list when it confirms.
 */
export class Owners {
  readonly #loop: CommitLoop<string, OwnerRecord>;
  readonly #clock: StoreClock;
  readonly #limit: OwnerLimit;
  /** Seconds. */
  readonly #lifetime: number;
  readonly #live: (selectors: readonly string[]) => Promise<readonly string[]>;

  /** @param longest seconds that a session may live without activity; an owner's record lives longer */
  constructor(
    store: Store,
    clock: StoreClock,
    options: CommitOptions & {
      readonly limit: OwnerLimit;
      readonly longest: number;
      /** Which of these sessions are live. */
      readonly live: (selectors: readonly string[]) => Promise<readonly string[]>;
    },
  ) {
    this.#loop = new CommitLoop(store, format, clock, options);
    this.#clock = clock;
    this.#limit = options.limit;
    this.#lifetime = 2 * options.longest + DAY;
    this.#live = options.live;
  }

  /**
   * Files a session before it is written. "revoked": all sessions of the owner were ended meanwhile; "limit": there are too
   * many. `ended` names sessions that are over now by the limit, to be removed once this one is written.
   *
   * @param dead filed sessions that have expired; left out, the store is asked about them where there are too many
   */
  async file(selector: string, login: Login, dead?: ReadonlySet<string>): Promise<Filed> {
    const filed = await this.#edit<Filed | { readonly status: "unclear"; readonly old: readonly string[] }>(
      login.owner,
      ({ entry, now }) => {
        if (isRevoked(login, entry.endedAt, now, this.#clock.uncertainty))
          return { result: { status: "revoked" } };
        const sessions = new Map(
          [...entry.sessions].filter(([name]) => name !== selector && !dead?.has(name)),
        );
        const tooMany = sessions.size + 1 - this.#limit.max;
        const old = [...sessions].filter(([, at]) => now - at > WRITTEN_WITHIN).map(([name]) => name);
        // Some of them may have expired; only the store knows.
        if (tooMany > 0 && dead === undefined && old.length > 0)
          return { result: { status: "unclear", old } };
        if (tooMany > 0 && this.#limit.overflow === "refuse") return { result: { status: "limit" } };
        const ended = [...sessions.keys()].slice(0, Math.max(0, tooMany));
        for (const name of ended) sessions.delete(name);
        sessions.set(selector, now);
        const began = login.after === undefined ? now - milliseconds(login.elapsed()) : login.after + 1;
        const authenticatedAt = Math.max(began, entry.endedAt + 1);
        const ending = new Set([...entry.ending, ...ended]);
        return {
          result: { status: "ok", authenticatedAt, ended },
          entry: { ...entry, sessions, ending, renewedAt: now },
        };
      },
    );
    if (filed.status !== "unclear") return filed;
    const live = new Set(await this.#live(filed.old));
    return this.file(selector, login, new Set(filed.old.filter((name) => !live.has(name))));
  }

  /**
   * Whether a session that was filed and written may live: "revoked" if all sessions of the owner were ended since its login,
   * "displaced" if later logins took its place under the limit. Also renews the record.
   *
   * @param isLogin it was filed a moment ago: if it is not any more, it was displaced, and forgotten when it was not written yet
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
      const isForgotten = isLogin && confirmation === "ok" && !entry.sessions.has(selector);
      const confirmed = isForgotten ? "displaced" : confirmation;
      const isRecent = now - entry.renewedAt < milliseconds(this.#lifetime / 4);
      if (confirmed !== "ok" || (isRecent && entry.sessions.has(selector))) return confirmed;
    }
    // A live session keeps its owner's record alive, and files itself again where that was lost.
    return this.#edit(owner, ({ entry, now }) => {
      const confirmed = confirmedBy(entry, selector, authenticatedAt);
      if (confirmed !== "ok") return { result: confirmed };
      const isFiled = entry.sessions.has(selector);
      const sessions = isFiled ? entry.sessions : new Map([...entry.sessions, [selector, now]]);
      return { result: confirmed, entry: { ...entry, sessions, renewedAt: now } };
    });
  }

  /** Takes sessions out of the list whose records are removed. */
  async forget(owner: string, selectors: Iterable<string>): Promise<void> {
    const gone = new Set(selectors);
    await this.#edit(owner, ({ entry }) => {
      const sessions = new Map([...entry.sessions].filter(([name]) => !gone.has(name)));
      const ending = new Set([...entry.ending].filter((name) => !gone.has(name)));
      const isSame = sessions.size === entry.sessions.size && ending.size === entry.ending.size;
      return { result: undefined, entry: isSame ? undefined : { ...entry, sessions, ending } };
    });
  }

  /**
   * Marks the moment and ends all sessions but `except`. As far as it is not certain what the store's clock says, the mark is the
   * latest that it can be, and no earlier than what other processes took for the time of the logins it ends.
   *
   * @returns those whose records are to be removed, and the mark
   */
  end(
    owner: string,
    except: string | undefined,
  ): Promise<{ readonly revokedAt: number; readonly ending: readonly string[] }> {
    return this.#edit(owner, ({ entry, now }) => {
      const filedAt = except === undefined ? undefined : entry.sessions.get(except);
      const sessions = new Map<string, number>();
      if (except !== undefined && filedAt !== undefined) sessions.set(except, filedAt);
      const ending = new Set([...entry.ending, ...entry.sessions.keys()]);
      if (except !== undefined) ending.delete(except);
      let revokedAt = Math.max(Math.ceil(now + this.#clock.uncertainty), entry.endedAt + 1);
      for (const [name, at] of entry.sessions) if (name !== except) revokedAt = Math.max(revokedAt, at);
      const result = { revokedAt, ending: [...ending] };
      return { result, entry: { ...entry, sessions, ending, endedAt: revokedAt, renewedAt: now } };
    });
  }

  /** The selectors that are filed, latest login first. */
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
      `The store's record of the sessions of one owner (${key}) cannot be read. Remove it, and they can log in again.`,
    );
  }
}

/** What a change of an owner's record comes to, and the record after that if it becomes another one. */
interface Edit<Result> {
  readonly result: Result;
  readonly entry?: OwnerRecord | undefined;
}

/**
 * Whether a login lost against a `destroyAll`. Clocks count whole milliseconds and a tie is a loss, but an authentication
 * that takes no time at all cannot have begun before anything.
 */
function isRevoked({ elapsed, after }: Login, endedAt: number, now: number, uncertainty: number): boolean {
  if (after !== undefined) return endedAt > after;
  const took = elapsed() * 1000;
  return endedAt > 0 && took > 0 && now - endedAt < took + 1 + uncertainty;
}

function confirmedBy(
  { endedAt, sessions, ending }: OwnerRecord,
  selector: string,
  authenticatedAt: number | null,
): Confirmed {
  if (sessions.has(selector)) return "ok";
  if ((authenticatedAt ?? 0) <= endedAt) return "revoked";
  return ending.has(selector) ? "displaced" : "ok";
}

/** Owners may be names or addresses of mails; they must not appear in keys and logs of stores. */
function keyOf(owner: string): string {
  return `owner:${hash("sha256", owner, "base64url")}`;
}

/** `["o1", endedAt, renewedAt, ancestors, [selector, filedAt, …], [selector, …]]` */
const format: CommitFormat<string, OwnerRecord> = {
  decode(_, text) {
    let parts: unknown;
    try {
      parts = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (!isParts(parts)) return undefined;
    const [, endedAt, renewedAt, ancestors, filed, ending] = parts;
    const sessions = new Map<string, number>();
    for (let at = 0; at < filed.length; at += 2) sessions.set(filed[at] as string, filed[at + 1] as number);
    return { endedAt, renewedAt, ancestors, sessions, ending: new Set(ending) };
  },
  encode({ endedAt, renewedAt, ancestors, sessions, ending }) {
    return JSON.stringify([FORMAT, endedAt, renewedAt, ancestors, [...sessions].flat(), [...ending]]);
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
