import { setTimeout as sleep } from "node:timers/promises";
import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import { StoreError } from "../../errors.ts";
import { CommitLoop, type Step } from "./commit.ts";
import { Owners, type Login, type OwnerLimit } from "./owners.ts";
import {
  checkLogin,
  decodeHead,
  DEFAULT_LIMITS,
  draftOf,
  HEAD_LENGTH,
  newRecord,
  sessionFormat,
  sessionInfo,
  type Change,
  type KnownSession,
  type RecordLimits,
  type SessionInfo,
  type SessionRecord,
} from "./record.ts";
import { StoreCalls, type CallOptions, type StoreClock } from "./store-calls.ts";
import type { Store } from "./store.ts";
import { isSelector, type Token } from "./token.ts";

/** Options of {@link SessionRecords}. */
export interface SessionRecordsOptions extends CallOptions {
  readonly json: TaggedJSONSerializer;
  readonly limits?: RecordLimits | undefined;
  /** Default: 1000, and one login more ends the oldest session. */
  readonly ownerLimit?: OwnerLimit | undefined;
  /** The longest idle timeout of a session, in seconds. */
  readonly longest: number;
}

/** The changes of a session in one commit, and the login, if any. */
export interface SessionChange extends Omit<Change, "login"> {
  readonly login?: Login | undefined;
}

/** Why a session was not written. */
export interface NotCommitted {
  /**
   * The session has ended; its record cannot be decoded; all sessions of its owner were ended; its owner has too
   * many; its selector exists already.
   */
  readonly status: "gone" | "undecodable" | "revoked" | "limit" | "taken";
}

/** A session that was created. */
export interface Created {
  readonly status: "ok";
  readonly known: KnownSession;
  /** Sessions of the same owner that the limit ended. */
  readonly ended?: readonly string[] | undefined;
}

/** Which page of an owner's list to return. */
export interface ListOptions {
  /** Sessions in one page. Default 100. */
  readonly limit?: number | undefined;
  /** The last selector of the previous page. */
  readonly after?: string | undefined;
}

export const DEFAULT_OWNER_LIMIT: OwnerLimit = { max: 1000, overflow: "end-oldest" };
const PAGE = 100;
const LONGEST_PAGE = 1000;
/** Records that `destroyAll` removes in parallel, and number of removals after which it updates the owner's record. */
const REMOVALS_AT_ONCE = 16;
const UNREGISTERED_AT_ONCE = 16_384;
/** Milliseconds to wait for rounding: times are whole milliseconds, and a timer may fire a fraction early. */
const REVOCATION_MARGIN = 3;

/** The sessions in a store and their owners: the operations that requests, managers and tools use. */
export class SessionRecords {
  readonly store: Store;
  readonly clock: StoreClock;
  /** Reads one session, and changes it by a `changeStep`; a change that logs in goes through {@link login}. */
  readonly loop: CommitLoop<string, SessionRecord>;
  readonly #owners: Owners;

  constructor(store: Store, options: SessionRecordsOptions) {
    const { json, limits = DEFAULT_LIMITS, ownerLimit = DEFAULT_OWNER_LIMIT, longest } = options;
    const calls = new StoreCalls(store, options);
    this.store = store;
    this.clock = calls.clock;
    this.loop = new CommitLoop(calls, sessionFormat(json, limits));
    this.#owners = new Owners(calls, {
      longest,
      limit: ownerLimit,
      live: (selectors) => this.live(selectors),
    });
  }

  /** Adds a session. @throws StoreError */
  async create(token: Token, fields: Fields, change: SessionChange): Promise<Created | NotCommitted> {
    const { login, device } = change;
    checkLogin(null, device);
    const write = async (registered: Change["login"]): Promise<Created | NotCommitted> => {
      const known = await this.loop.insert(token.selector, (now) =>
        draftOf(newRecord(token, fields, { ...change, login: registered }, now), now),
      );
      return known === "taken" ? { status: "taken" } : { status: "ok", known };
    };
    return login === undefined ? write(undefined) : this.login(token.selector, login, write);
  }

  /**
   * Registers a session that logs in, writes it, and confirms it; see {@link Owners}.
   *
   * @param write creates or changes the session, with this login
   * @throws StoreError
   */
  async login<Written extends { readonly status: string }>(
    selector: string,
    login: Login,
    write: (login: Change["login"]) => Promise<Written>,
  ): Promise<(Written & Pick<Created, "ended">) | NotCommitted> {
    const { owner } = login;
    checkLogin(owner, undefined);
    const registered = await this.#owners.register(selector, login);
    if (registered.status !== "ok") return registered;
    const { authenticatedAt } = registered;
    const written = await write({ owner, authenticatedAt });
    if (written.status !== "ok") {
      await this.#owners.unregister(owner, [selector]);
      return written;
    }
    const confirmed = await this.#owners.confirm(owner, selector, authenticatedAt, true);
    if (confirmed !== "ok") {
      await this.loop.remove(selector);
      if (confirmed === "revoked") return { status: "revoked" };
      // The login succeeded; later logins have ended it already.
      await this.#owners.unregister(owner, [selector]);
    }
    const ended: string[] = [];
    await inBatches(registered.ended, async (name) => {
      if (await this.loop.remove(name)) ended.push(name);
    });
    if (registered.ended.length > 0) await this.#owners.unregister(owner, registered.ended);
    return { ...written, ended };
  }

  /**
   * Ends a session if `mayEnd` returns true for the stored record.
   *
   * @returns whether this call ended it; "refused" if `mayEnd` returned false
   * @throws StoreError
   */
  async end(known: KnownSession, mayEnd: (known: KnownSession) => boolean): Promise<boolean | "refused"> {
    const { selector } = known.entry;
    const step = (current: KnownSession): Step<SessionRecord, boolean> => {
      const isAllowed = mayEnd(current);
      return { action: isAllowed ? "remove" : "leave", result: isAllowed };
    };
    const done = await this.loop.change(selector, known, step, { isUrgent: true });
    if (done.status !== "ok") return false;
    if (!done.result) return "refused";
    await this.#unregister(known.entry);
    return true;
  }

  /** Ends a session unconditionally. @returns its owner, or `undefined` if there was none @throws StoreError */
  async remove(selector: string): Promise<{ readonly owner: string | null } | undefined> {
    if (!isSelector(selector)) return undefined;
    const found = await this.loop.read(selector);
    if (found === "gone") return undefined;
    const isRemoved = await this.loop.remove(selector);
    if (typeof found !== "object") return isRemoved ? { owner: null } : undefined;
    await this.#unregister(found.entry);
    return isRemoved ? { owner: found.entry.owner } : undefined;
  }

  /**
   * Whether the session is still registered with its owner: false if it was ended and its record was not removed yet. Checked
   * at every touch, so a session ends even if `destroyAll` failed before it removed the record.
   *
   * @throws StoreError
   */
  async isConfirmed({ selector, owner, authenticatedAt }: SessionRecord): Promise<boolean> {
    return owner === null || (await this.#owners.confirm(owner, selector, authenticatedAt)) === "ok";
  }

  /** The live sessions of an owner, latest login first, without their verifiers and data. @throws StoreError */
  async list(owner: string, { limit = PAGE, after }: ListOptions = {}): Promise<SessionInfo[]> {
    const most = Math.max(1, Math.min(limit, LONGEST_PAGE));
    const registered = await this.#owners.sessionsOf(owner);
    const infos: SessionInfo[] = [];
    let at = after === undefined ? 0 : registered.indexOf(after) + 1;
    // If the session named by `after` is no longer registered, there is no next page.
    if (after !== undefined && at === 0) return [];
    for (; infos.length < most && at < registered.length; at += most) {
      const selectors = registered.slice(at, at + most);
      const heads = await this.loop.readMany(selectors, HEAD_LENGTH);
      for (const selector of selectors) {
        const stored = heads.get(selector);
        const head = stored && decodeHead(selector, stored.text);
        if (head !== undefined && head.owner === owner) infos.push(sessionInfo(head));
      }
    }
    return infos.slice(0, most);
  }

  /**
   * Ends every session of an owner except `except`. Once the first step is done, no login that began before can succeed, and
   * every session ends at its next touch at the latest; after an error, call it again. It waits a few milliseconds before it
   * resolves, so that logins that begin afterwards are later than the revocation time, also in processes with an equally
   * uncertain store clock.
   *
   * @param onEnded called for each session that was ended
   * @returns the number of records removed, the selectors of all ended sessions, and the revocation time, for a login of
   *   the same request
   * @throws StoreError
   */
  async destroyAll(
    owner: string,
    except: string | undefined,
    onEnded: (selector: string) => void = () => {},
  ): Promise<{ readonly ended: number; readonly ending: readonly string[]; readonly revokedAt: number }> {
    const { ending, revokedAt } = await this.#owners.revokeAll(owner, except);
    const revokedSince = performance.now();
    let ended = 0;
    for (let at = 0; at < ending.length; at += UNREGISTERED_AT_ONCE) {
      const part = ending.slice(at, at + UNREGISTERED_AT_ONCE);
      await inBatches(part, async (selector) => {
        if (!(await this.loop.remove(selector))) return;
        ended++;
        onEnded(selector);
      });
      await this.#owners.unregister(owner, part);
    }
    // The revocation time may be ahead by twice the uncertainty, and another process may date a login's beginning
    // early by as much.
    const left = REVOCATION_MARGIN + 4 * this.clock.uncertainty - (performance.now() - revokedSince);
    if (left > 0) await sleep(left);
    return { ended, ending, revokedAt };
  }

  /** Those of the sessions that are live. @throws StoreError */
  async live(selectors: readonly string[]): Promise<string[]> {
    const found = await this.loop.readMany(selectors, 1);
    return selectors.filter((selector) => found.has(selector));
  }

  /** Removes up to `limit` expired records. @returns how many @throws StoreError */
  removeExpired(limit: number): Promise<number> {
    return this.loop.removeExpired(limit);
  }

  /**
   * Removes an ended session from its owner's list. A failure is ignored, since `list` only returns sessions that
   * have a record.
   */
  async #unregister({ owner, selector }: SessionRecord): Promise<void> {
    if (owner === null) return;
    try {
      await this.#owners.unregister(owner, [selector]);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
}

async function inBatches(names: readonly string[], work: (name: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < names.length; at += REMOVALS_AT_ONCE) {
    await Promise.all(names.slice(at, at + REMOVALS_AT_ONCE).map(work));
  }
}
