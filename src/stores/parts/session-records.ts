import { setTimeout as sleep } from "node:timers/promises";
import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import { StoreError } from "../../errors.ts";
import { ANCESTORS, CommitLoop, type CommitOptions, type Draft, type Known, type Step } from "./commit.ts";
import { Owners, type Login, type OwnerLimit } from "./owners.ts";
import {
  changed,
  checkLogin,
  decodeHead,
  decodeRecord,
  DEFAULT_LIMITS,
  encodeRecord,
  HEAD_LENGTH,
  newRecord,
  sessionInfo,
  type Change,
  type RecordLimits,
  type SessionInfo,
  type SessionRecord,
} from "./record.ts";
import { StoreClock } from "./store-clock.ts";
import type { Store } from "./store.ts";
import type { Token } from "./token.ts";

/** Options of {@link SessionRecords}. */
export interface SessionRecordsOptions extends CommitOptions {
  readonly json: TaggedJSONSerializer;
  readonly limits?: RecordLimits | undefined;
  /** Default: 1000, and one login more ends the oldest session. */
  readonly ownerLimit?: OwnerLimit | undefined;
  /** Seconds that a session may live without activity. */
  readonly longest: number;
}

/** What one commit does to a session, and who logs in with it. */
export interface SessionChange extends Omit<Change, "login"> {
  readonly login?: Login | undefined;
}

/** A session that was found. */
export type KnownSession = Known<SessionRecord>;

/** What became of a commit. */
export type Committed<Result> =
  | {
      readonly status: "ok";
      readonly result: Result;
      readonly known: KnownSession;
      /** Sessions of the same owner that a limit ended. */
      readonly ended?: readonly string[] | undefined;
    }
  /** No live session, or one that cannot be read; all sessions of its owner were ended; its owner has too many. */
  | { readonly status: "gone" | "undecodable" | "revoked" | "limit" | "taken" };

/** What a change of a session comes to: what to do, or to leave the session as it is. */
export type SessionStep<Result> = {
  readonly result: Result;
  readonly change?: Omit<Change, "login"> | undefined;
};

/** Which part of an owner's list to give. */
export interface ListOptions {
  /** Sessions in one answer. Default 100. */
  readonly limit?: number | undefined;
  /** The last selector of the page before. */
  readonly after?: string | undefined;
}

export const DEFAULT_OWNER_LIMIT: OwnerLimit = { max: 1000, overflow: "end-oldest" };
const PAGE = 100;
const LONGEST_PAGE = 1000;
/** Records that `destroyAll` removes at once, and after how many it notes how far it got. */
const REMOVALS_AT_ONCE = 16;
const NOTED_AFTER = 16_384;
/** Milliseconds: times are whole ones, and a timer may be early by part of one. */
const MARK_PASSES = 3;

/** The sessions in a store, with their owners: everything that requests, managers and tools do to them. */
export class SessionRecords {
  readonly store: Store;
  readonly clock: StoreClock;
  readonly #loop: CommitLoop<string, SessionRecord>;
  readonly #owners: Owners;

  constructor(store: Store, options: SessionRecordsOptions) {
    const { json, limits = DEFAULT_LIMITS, ownerLimit = DEFAULT_OWNER_LIMIT, longest } = options;
    const { seconds, onFailure } = options;
    this.store = store;
    this.clock = new StoreClock(store);
    this.#loop = new CommitLoop<string, SessionRecord>(
      store,
      {
        decode: (selector, text) => decodeRecord(selector, text, json),
        encode: (record) => encodeRecord(record, limits),
        ancestors: ANCESTORS,
      },
      this.clock,
      { seconds, onFailure },
    );
    this.#owners = new Owners(store, this.clock, {
      seconds,
      onFailure,
      longest,
      limit: ownerLimit,
      live: (selectors) => this.live(selectors),
    });
  }

  /** The live session of this name, by the store's clock. @throws StoreError */
  read(selector: string): Promise<KnownSession | "gone" | "undecodable"> {
    return this.#loop.read(selector, isLive);
  }

  /** Adds a session. @throws StoreError */
  async create(token: Token, fields: Fields, change: SessionChange): Promise<Committed<undefined>> {
    const { login, device } = change;
    checkLogin(null, device);
    const write = async (filed: Change["login"]): Promise<Committed<undefined>> => {
      const known = await this.#loop.insert(token.selector, (now) =>
        draftOf(newRecord(token, fields, { ...change, login: filed }, now), now),
      );
      return known === "taken" ? { status: "taken" } : { status: "ok", result: undefined, known };
    };
    return login === undefined ? write(undefined) : this.#filed(token.selector, login, write);
  }

  /**
   * Changes a live session.
   *
   * @param apply called with the session as it is stored, again after every conflict; must not do anything else
   * @throws StoreError, SessionConflictError
   */
  change<Result>(
    known: KnownSession,
    login: Login | undefined,
    apply: (known: KnownSession) => SessionStep<Result>,
  ): Promise<Committed<Result>> {
    const { selector } = known.entry;
    const done =
      login === undefined
        ? this.#loop.change(selector, known, stepOf(apply, undefined))
        : this.#filed(selector, login, (filed) => this.#loop.change(selector, known, stepOf(apply, filed)));
    // As nothing is removed here, there is a record at the end.
    return done as Promise<Committed<Result>>;
  }

  /**
   * Ends a session for good, if `mayEnd` allows it for what is stored by then.
   *
   * @returns whether it ended just now; "refused" if it may not be ended
   * @throws StoreError
   */
  async end(known: KnownSession, mayEnd: (known: KnownSession) => boolean): Promise<boolean | "refused"> {
    const { selector } = known.entry;
    const step = (current: KnownSession): Step<SessionRecord, boolean> => {
      const isAllowed = mayEnd(current);
      return { action: isAllowed ? "remove" : "leave", result: isAllowed };
    };
    const done = await this.#loop.change(selector, known, step, { isUrgent: true });
    if (done.status !== "ok") return false;
    if (!done.result) return "refused";
    await this.#forget(known.entry);
    return true;
  }

  /** Ends a session for good, whatever it is. @returns whether there was one, and whose @throws StoreError */
  async remove(selector: string): Promise<{ readonly owner: string | null } | undefined> {
    const found = await this.#loop.read(selector);
    if (found === "gone") return undefined;
    const isRemoved = await this.#loop.remove(selector);
    if (typeof found !== "object") return isRemoved ? { owner: null } : undefined;
    await this.#forget(found.entry);
    return isRemoved ? { owner: found.entry.owner } : undefined;
  }

  /**
   * Whether the session of an owner may live on: false if it was ended, but its record was not removed yet. Asked with every
   * touch, so that `destroyAll` does not depend on having found each session.
   *
   * @throws StoreError
   */
  async isConfirmed({ selector, owner, authenticatedAt }: SessionRecord): Promise<boolean> {
    return owner === null || (await this.#owners.confirm(owner, selector, authenticatedAt)) === "ok";
  }

  /** The live sessions of an owner, latest login first; never verifiers, never data. @throws StoreError */
  async list(owner: string, { limit = PAGE, after }: ListOptions = {}): Promise<SessionInfo[]> {
    const most = Math.max(1, Math.min(limit, LONGEST_PAGE));
    const filed = await this.#owners.sessionsOf(owner);
    const infos: SessionInfo[] = [];
    let at = after === undefined ? 0 : filed.indexOf(after) + 1;
    // A page that ends with a session that is over by now goes on behind it.
    if (after !== undefined && at === 0) return [];
    for (; infos.length < most && at < filed.length; at += most) {
      const selectors = filed.slice(at, at + most);
      const heads = await this.#loop.readMany(selectors, HEAD_LENGTH);
      for (const selector of selectors) {
        const stored = heads.get(selector);
        const head = stored && decodeHead(selector, stored.text);
        if (head !== undefined && head.owner === owner) infos.push(sessionInfo(head));
      }
    }
    return infos.slice(0, most);
  }

  /**
   * Ends every session of an owner but `except`. From the first step on, no login that began before can succeed and no
   * session outlives its next touch; after an error, call it again. It is done a few milliseconds later than could be: every login
   * that begins then is later than the mark, also for a process that knows the store's clock no better than this one.
   *
   * @param onEnded called for each session that was ended
   * @returns how many were ended, the names of all that are over now, and the mark to give a login of the same request
   * @throws StoreError
   */
  async destroyAll(
    owner: string,
    except: string | undefined,
    onEnded: (selector: string) => void = () => {},
  ): Promise<{ readonly ended: number; readonly ending: readonly string[]; readonly revokedAt: number }> {
    const { ending, revokedAt } = await this.#owners.end(owner, except);
    const marked = performance.now();
    let ended = 0;
    for (let at = 0; at < ending.length; at += NOTED_AFTER) {
      const part = ending.slice(at, at + NOTED_AFTER);
      await inBatches(part, async (selector) => {
        if (!(await this.#loop.remove(selector))) return;
        ended++;
        onEnded(selector);
      });
      await this.#owners.forget(owner, part);
    }
    // The mark may be ahead of the time by twice what is uncertain here, and a login's beginning be taken for as much earlier there.
    const left = MARK_PASSES + 4 * this.clock.uncertainty - (performance.now() - marked);
    if (left > 0) await sleep(left);
    return { ended, ending, revokedAt };
  }

  /** Which of these sessions are live. @throws StoreError */
  async live(selectors: readonly string[]): Promise<string[]> {
    const found = await this.#loop.readMany(selectors, 1);
    return selectors.filter((selector) => found.has(selector));
  }

  /** Removes up to `limit` expired records. @returns how many @throws StoreError */
  removeExpired(limit: number): Promise<number> {
    return this.#loop.removeExpired(limit);
  }

  /** Writes a session that logs in between filing and confirming it; see {@link Owners}. */
  async #filed<Written extends { readonly status: string }>(
    selector: string,
    login: Login,
    write: (login: Change["login"]) => Promise<Written>,
  ): Promise<Written | Committed<never>> {
    const { owner } = login;
    checkLogin(owner, undefined);
    const filed = await this.#owners.file(selector, login);
    if (filed.status !== "ok") return filed;
    const { authenticatedAt } = filed;
    const written = await write({ owner, authenticatedAt });
    if (written.status !== "ok") {
      await this.#owners.forget(owner, [selector]);
      return written;
    }
    const confirmed = await this.#owners.confirm(owner, selector, authenticatedAt, true);
    if (confirmed !== "ok") {
      await this.#loop.remove(selector);
      if (confirmed === "revoked") return { status: "revoked" };
      // It did log in; later logins have ended it already.
      await this.#owners.forget(owner, [selector]);
    }
    const ended: string[] = [];
    await inBatches(filed.ended, async (name) => {
      if (await this.#loop.remove(name)) ended.push(name);
    });
    if (filed.ended.length > 0) await this.#owners.forget(owner, filed.ended);
    return { ...written, ended };
  }

  /** The session is over; that its owner's list still names it does no harm, since lists look at the records. */
  async #forget({ owner, selector }: SessionRecord): Promise<void> {
    if (owner === null) return;
    try {
      await this.#owners.forget(owner, [selector]);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}

/** The store has judged this already; it is judged once more by the record itself. */
function isLive({ entry, now }: KnownSession): boolean {
  return now < entry.expiresAt;
}

/** The change of a session as a step of the commit loop. */
function stepOf<Result>(
  apply: (known: KnownSession) => SessionStep<Result>,
  login: Change["login"],
): (known: KnownSession) => Step<SessionRecord, Result> {
  return (current) => {
    const { result, change } = apply(current);
    if (change === undefined) return { action: "leave", result };
    const next = changed(current.entry, { ...change, login }, current.now);
    return { action: "write", result, ...draftOf(next, current.now) };
  };
}

/** What is stored lives as long as its record says. */
function draftOf(record: SessionRecord, now: number): Draft<SessionRecord> {
  return {
    entry: record,
    lifetime: Math.max(0.001, (record.expiresAt - now) / 1000),
    anonymous: record.owner === null,
  };
}

async function inBatches(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < names.length; at += REMOVALS_AT_ONCE) {
    await Promise.all(names.slice(at, at + REMOVALS_AT_ONCE).map(work));
  }
}
