import { checkCount, checkNames } from "../check-options.ts";
import { shareClass } from "../copies.ts";
import type { AcceptedCookie } from "../accepts/accepted-cookie.ts";
import { currentContext, getSession, hasSession, RequestContext } from "../request/context.ts";
import { checkListener, DestroyedWatch, type DestroyedListener } from "./destroyed-watch.ts";
import { ConfigError } from "../errors.ts";
import { events } from "../interfaces/events.ts";
import type { CookieConfig, CookieSessionInterface } from "../interfaces/cookie-interface.ts";
import { MigratingSessionInterface } from "../interfaces/migrating.ts";
import { SecureCookieSessionInterface } from "../interfaces/secure-cookie.ts";
import type { SessionInterface, SessionRequest } from "../interfaces/session-interface.ts";
import type { StoreConfig } from "../interfaces/store/open.ts";
import { StoreSessionInterface } from "../interfaces/store.ts";
import { idOf, notAnId } from "../interfaces/store/owner-id.ts";
import { checkKey, checkParts } from "./check-parts.ts";
import { tellMade } from "./made.ts";
import type { SessionOptions } from "./options.ts";
import { resolveCrossOrigin, resolveOptions } from "./resolve-options.ts";
import { storeConfigOf } from "./resolve-store-options.ts";
import { stateOf, type Session } from "../session/session.ts";
import { STATE } from "../session/state.ts";
import type { SessionInfo } from "../stores/parts/record.ts";
import type { ListOptions, SessionRecords } from "../stores/parts/session-records.ts";
import { startSweep, type Sweep } from "../stores/parts/sweep.ts";

/** The same symbol in all copies of this package in a process. */
export const WRAP_INTERFACE: unique symbol = Symbol.for("hipflask.wrapInterface") as never;

/** A session in the list of its owner. */
export interface OwnedSession extends Omit<SessionInfo, "device"> {
  /** The result of the option `device` when the session began. */
  readonly device: unknown;
  /** Whether it is the session passed as `current`. */
  readonly isCurrent: boolean;
}

/**
 * The sessions of one app: checks the options once, and creates a context per request. Adapters create a manager from their
 * options, or accept one, so that several adapters can share it. With a store, it also lists and ends the sessions of an
 * owner.
 *
 * @throws ConfigError for invalid options; NoSecretKeyError without a `secretKey`, unless nothing needs one
 * @example
 * ```ts
 * import { session, SessionManager } from "hipflask";
 * import { sessions } from "hipflask/hono";
 * import { memoryStore } from "hipflask/stores/memory";
 *
 * export const manager = new SessionManager({ secretKey: process.env.SECRET_KEY, store: memoryStore() });
 * export const middleware = sessions(manager);
 * export const myDevices = () => manager.list(session.owner ?? "", { current: session });
 * export const logOutElsewhere = () => manager.destroyAll(session.owner ?? "", { except: session });
 * ```
 */
export class SessionManager {
  /** Flask's `app.session_interface`. */
  readonly sessionInterface: SessionInterface;
  /** The options of the cookie, including defaults. */
  readonly config: CookieConfig;
  /** The interface for requests: the original, or the inspector's wrapper. */
  #requestInterface: SessionInterface;
  readonly #refuseForeign: ((request: SessionRequest) => void) | undefined;
  readonly #records: SessionRecords | undefined;
  /** The store to sweep, until the first request: workers cannot start timers before it. */
  #unswept: StoreConfig | undefined;
  #sweep: Sweep | undefined;
  #watch: DestroyedWatch | undefined;

  constructor(options: SessionOptions) {
    checkCount(
      "SessionManager",
      arguments,
      1,
      "`onError` and its like go with the adapter, as in sessions(manager, { onError })",
    );
    tellMade(options);
    checkParts(options);
    const config = resolveOptions(options);
    this.config = config;
    this.#refuseForeign = resolveCrossOrigin(options);
    const stored = options.store === undefined ? undefined : storeConfigOf(options, options.store, config);
    this.#records = stored?.records;
    // An engine that removes expired records itself needs no timer.
    const isSwept = (stored?.sweepEvery ?? 0) > 0 && stored?.records.store.removeExpired !== undefined;
    if (isSwept) this.#unswept = stored;
    const ours = stored ? new StoreSessionInterface(stored) : new SecureCookieSessionInterface(config);
    this.sessionInterface = options.sessionInterface ?? accepting(options.accepts ?? [], ours);
    this.#requestInterface = this.sessionInterface;
    checkKey(options);
  }

  /** Returns a manager as it is, or creates one from options, for the argument of adapters. */
  static from(options: SessionOptions | SessionManager): SessionManager {
    return options instanceof SessionManager ? options : new SessionManager(options);
  }

  /**
   * Opens the session of a request; see {@link RequestContext} for the next steps.
   *
   * @param keys the framework's own objects for this request, by which `getSession` finds the session
   * @throws ForeignOriginError (403) if `crossOriginProtection` refuses the request; the errors of `openSession`
   */
  requestContext(request: SessionRequest, ...keys: object[]): RequestContext {
    this.refuseForeign(request);
    // A prerender must not start timers or use random numbers, and cannot save.
    if (this.#unswept !== undefined && !request.readOnly) this.#startSweep(this.#unswept);
    return new RequestContext(this.#requestInterface, request, ...keys);
  }

  /**
   * The context that this manager has made for a request already, for adapters: used twice for a request, it opens and saves one
   * session.
   *
   * @throws ConfigError where another manager has opened a session in the same cookie
   */
  openedContext(key: object): RequestContext | undefined {
    return RequestContext.opened(key, this.#requestInterface);
  }

  /**
   * Only the check of `crossOriginProtection`, for requests whose method is unknown when their session is opened.
   *
   * @throws ForeignOriginError (403)
   */
  refuseForeign(request: Pick<SessionRequest, "method" | "url" | "headers">): void {
    this.#refuseForeign?.(request);
  }

  /** @internal Wraps the interface for further requests, for `hipflask/inspector`. */
  [WRAP_INTERFACE](wrap: (inner: SessionInterface) => SessionInterface): void {
    this.#requestInterface = wrap(this.#requestInterface);
  }

  /**
   * The live sessions of an owner, most recent login first. Contains neither tokens nor data. Pass the last selector of a
   * page as `after` to get the next page; if that session is over by then, the list starts from the beginning.
   *
   * @param limit sessions per page, at most 1000; default 100
   * @throws ConfigError without a store; StoreError
   */
  async list(
    owner: string,
    options: ListOptions & { readonly current?: Session | undefined } = {},
  ): Promise<OwnedSession[]> {
    checkNames("manager.list", options, ["limit", "after", "current"]);
    const { current, ...page } = options;
    const selector = current && selectorOf(current);
    const infos = await this.#stored().list(checkId(owner), page);
    return infos.map((info) =>
      Object.assign({}, info, {
        device: info.device === null ? undefined : (JSON.parse(info.device) as unknown),
        isCurrent: info.selector === selector,
      }),
    );
  }

  /**
   * Ends a session permanently, by its selector in {@link list}.
   *
   * @returns whether it was live
   * @throws ConfigError without a store; StoreError
   */
  async destroy(selector: string): Promise<boolean> {
    const ended = await this.#stored().remove(checkId(selector));
    if (ended !== undefined) events.destroyed({ selector, owner: ended.owner });
    if (hasSession()) {
      const context = currentContext();
      // Sessions in another store may have the same name.
      const isOurs = ended !== undefined || context.isFrom(this.#requestInterface);
      if (isOurs) stateOf(context.session).noteEnded([selector]);
    }
    await this.#watch?.check();
    return ended !== undefined;
  }

  /**
   * Ends every session of an owner: "log out everywhere". A concurrent login of the owner fails, unless its own request has
   * awaited this: `await manager.destroyAll(id); session.owner = id` logs in again, in either order.
   *
   * @param except a session to keep, usually the current one
   * @returns how many were ended
   * @throws ConfigError without a store; StoreError, after which it must be called again
   */
  async destroyAll(
    owner: string,
    options: { readonly except?: Session | string | undefined } = {},
  ): Promise<number> {
    if ((options as { [STATE]?: unknown } | null)?.[STATE] !== undefined)
      throw new ConfigError("Pass the session to keep as manager.destroyAll(owner, { except: session }).");
    checkNames("manager.destroyAll", options, ["except"]);
    const { except } = options;
    const id = checkId(owner);
    const kept = typeof except === "object" ? selectorOf(except) : except;
    const { ended, ending, revokedAt } = await this.#stored().destroyAll(id, kept, (selector) =>
      events.destroyed({ selector, owner: id }),
    );
    if (hasSession()) stateOf(getSession()).noteEnded(ending, { owner: id, revokedAt });
    await this.#watch?.check();
    return ended;
  }

  /**
   * Calls `listener` once when a session is over, in this process or another, for closing its sockets and streams. The
   * delay is at most half a second.
   *
   * @returns stops listening; call it when the socket closes by itself
   * @throws ConfigError without a store, or unless the listener is a function
   */
  onDestroyed(session: Session | string, listener: DestroyedListener): () => void {
    checkListener(listener);
    const records = this.#stored();
    const selector = typeof session === "string" ? session : selectorOf(session);
    if (selector === undefined)
      throw new ConfigError("This session is not in the store yet, so it cannot be watched.");
    this.#watch ??= new DestroyedWatch(records);
    return this.#watch.watch(selector, listener);
  }

  /** Stops watching sessions and removing expired ones, and closes connections that the store opened itself. */
  async close(): Promise<void> {
    this.#watch?.close();
    this.#unswept = undefined;
    await this.#sweep?.close();
    await this.#records?.store.close?.();
    await this.sessionInterface.close?.();
  }

  #startSweep({ records, sweepEvery: every }: StoreConfig): void {
    this.#unswept = undefined;
    this.#sweep = startSweep(records, { every, onError: (error) => events.sweepFailed({ error }) });
  }

  #stored(): SessionRecords {
    if (this.#records === undefined)
      throw new ConfigError("Listing, watching and ending sessions needs a `store`.");
    return this.#records;
  }
}

shareClass("SessionManager", SessionManager);

/** Checks an id like `session.owner`. @throws ConfigError */
function checkId(given: unknown): string {
  const id = idOf(given);
  if (id !== undefined) return id;
  throw new ConfigError(
    `The owner or selector of sessions must be a string, as in manager.list(String(user.id)) or manager.destroy(selector); it was ${notAnId(given)}.`,
  );
}

function accepting(accepts: readonly AcceptedCookie[], ours: CookieSessionInterface): SessionInterface {
  return accepts.length === 0 ? ours : new MigratingSessionInterface(ours, accepts);
}

/**
 * The public half of a stored session's token: it identifies the session in lists and logs, and is not valid as a cookie.
 *
 * @returns `undefined` for a session that is not, or not yet, in a store
 * @example
 * ```ts
 * import { selectorOf, session } from "hipflask";
 * export const name = () => selectorOf(session);
 * ```
 */
export function selectorOf(session: Session): string | undefined {
  const state = stateOf(session);
  return state.isStored ? state.selector : undefined;
}
