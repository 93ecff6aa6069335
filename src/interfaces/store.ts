import { shareClass } from "../copies.ts";
import { readCookies } from "../http/cookie.ts";
import { decideRecord, isEmpty, type RecordDecision } from "./decide.ts";
import { SessionLostError, StoreError } from "../errors.ts";
import { events } from "./events.ts";
import { EMPTY_FIELDS } from "../json/fields.ts";
import { varyOnCookie } from "../http/response-headers.ts";
import { sessionOf, stateOf, type Session } from "../session/session.ts";
import { changesNothing } from "../stores/parts/record.ts";
import { formatToken, parseToken } from "../stores/parts/token.ts";
import { CookieSessionInterface } from "./cookie-interface.ts";
import { hasShown } from "./messages.ts";
import type { SessionRequest, SessionResponse } from "./session-interface.ts";
import {
  fieldsOf,
  secondsSince,
  StoreReader,
  type OpenResult,
  type Origin,
  type StoreConfig,
} from "./store/open.ts";
import { commit } from "./store/save.ts";
import { StoreSessionState, type CommitResult, type PendingCommit } from "./store/state.ts";

/** Limit on the tokens of one request that are looked up. */
const MAX_CANDIDATES = 8;

/** The result for a request without a token. */
const NOTHING: OpenResult = {};

/**
 * Sessions in a store: the cookie holds `selector.verifier`; the store holds the data and a hash of the verifier under the
 * selector. A copy of the store therefore contains no usable token, and the store has no record for a token that someone
 * made up. `sessions({ store })` creates this interface. To compute a setting of the cookie, subclass it, override a
 * `get…` method, and pass the constructor what `resolveStoreOptions` returns.
 *
 * @example
 * ```ts
 * import { SessionManager, StoreSessionInterface } from "hipflask";
 * import { memoryStore } from "hipflask/stores/memory";
 * const manager = new SessionManager({ secretKey: "dev", store: memoryStore() });
 * console.log(manager.sessionInterface instanceof StoreSessionInterface); // true
 * await manager.close();
 * ```
 */
export class StoreSessionInterface extends CookieSessionInterface<StoreConfig> {
  readonly #reader: StoreReader;
  /** Requests with several cookies whose token is or was valid. */
  readonly #withDuplicates = new WeakSet<SessionRequest>();

  constructor(config: StoreConfig) {
    super(config);
    this.#reader = new StoreReader(config, (reason) => this.refused(reason));
  }

  /**
   * Reads the record once if the request has a token, or with `lazy` when the session is loaded; without a token, the
   * store is not called.
   */
  openSession(request: SessionRequest): Session | Promise<Session> {
    const arrivedAt = this.config.now();
    const cookies = this.#presented(request);
    // Malformed cookies do not count toward the limit: a sibling subdomain can set any number of cookies.
    const tokens = cookies.flatMap((text) => parseToken(text) ?? []).slice(0, MAX_CANDIDATES);
    if (tokens.length === 0 && cookies.length > 0) this.refused("malformed");
    if (tokens.length === 0) return this.#sessionOf(arrivedAt, NOTHING);
    const open = () => this.#reader.open(tokens, request);
    return this.config.lazy
      ? this.#sessionOf(arrivedAt, () => open().then((opened) => this.#publishOpened(opened, request)))
      : open().then((opened) => this.#sessionOf(arrivedAt, this.#publishOpened(opened, request)));
  }

  override hasOwnCookie(request: SessionRequest): boolean {
    return this.#presented(request).some((text) => parseToken(text) !== undefined);
  }

  protected override hasDuplicateCookies(request: SessionRequest): boolean {
    return this.#withDuplicates.has(request);
  }

  /** Determines what to commit, decides, commits, and sends the cookie. */
  saveSession(session: Session, request: SessionRequest, response: SessionResponse): void | Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    // A pending load has removed flashed messages from the record, and the save restores them. The caller of load()
    // gets its rejection.
    if (state.loading !== undefined) {
      const save = () => this.saveSession(session, request, response);
      return state.loading.then(save, save);
    }
    const { accessed } = state;
    if (!state.isLoaded) return accessed ? varyOnCookie(response.headers) : undefined;
    if (this.#isIdle(state, request)) return accessed ? varyOnCookie(response.headers) : undefined;
    return this.#save(session, accessed, request, response);
  }

  async commitSession(session: Session, request: SessionRequest): Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    if (!state.isLoaded) return;
    const { origin } = state;
    if (request.isHandshake && origin !== undefined && this.config.rotateAfter > 0) {
      // Requests rotate the token while a socket is open, and their cookies are not sent over the socket.
      const reopened = await this.#reader.reopen(origin, false);
      if (reopened !== undefined) state.moveTo({ ...origin, known: reopened.known, token: reopened.token });
    }
    const pending = state.beginCommit(request, false, false);
    const decision = this.#decide(state, pending, state.accessed, request);
    await commit(state, pending, decision, request, this.config);
  }

  async reloadSession(session: Session, request: SessionRequest): Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    if (!state.isLoaded) return state.load();
    const { origin } = state;
    if (origin === undefined) throw new SessionLostError("There is no session to reload.");
    const reopened = await this.#reader.reopen(origin, request.isHandshake === true);
    if (reopened === undefined)
      throw new SessionLostError("The session has ended, or got a new token at a login or by regenerate().");
    state.reset({ fields: fieldsOf(reopened) });
    state.moveTo(reopened);
  }

  /** Whether there is nothing to save, as in most requests, which only read. */
  #isIdle(state: StoreSessionState, request: SessionRequest): boolean {
    // Nested mutations are only detected here.
    if (state.isOpened && !state.modified) state.fields();
    const { origin } = state;
    const isChanged =
      state.modified || state.identity !== "kept" || state.wasDestroyed || state.isCookieDeletionDue;
    if (isChanged || state.maxAge !== undefined) return false;
    if (origin === undefined) return true;
    if (origin.needsCookie || origin.messages !== undefined) return false;
    return !this.#isTouchDue(origin, request) && !this.#isRotationDue(origin, request);
  }

  #isTouchDue({ known }: Origin, { isHandshake }: SessionRequest): boolean {
    const { touchEvery, records } = this.config;
    return isHandshake === true || secondsSince(known.entry.lastSeenAt, records.clock.now()) >= touchEvery;
  }

  #isRotationDue({ known, needsCookie }: Origin, { isHandshake }: SessionRequest): boolean {
    const { rotateAfter, rotationKey, records } = this.config;
    if (rotateAfter === 0 || rotationKey === null || isHandshake || needsCookie) return false;
    return secondsSince(known.entry.rotatedAt, records.clock.now()) >= rotateAfter;
  }

  /**
   * The last commit of a request. If it fails, the flashed messages that were taken for the request are put back into
   * the record.
   */
  async #save(
    session: Session,
    accessed: boolean,
    request: SessionRequest,
    response: SessionResponse,
  ): Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    const { origin } = state;
    const isFailure = (response.status ?? 200) >= 500 && !this.config.saveOnError;
    let decision: RecordDecision;
    let saved: CommitResult;
    try {
      const pending = state.beginCommit(request, true, isFailure);
      decision = this.#decide(state, pending, accessed, request);
      saved = await commit(state, pending, decision, request, this.config);
      const { changes } = pending.checkpoint;
      if (saved.hasNewIdentity && origin && !hasShown(changes, origin.messages, this.config.json))
        await this.#reader.restoreMessages(origin);
    } catch (error) {
      if (origin !== undefined && !(error instanceof StoreError)) await this.#reader.restoreMessages(origin);
      throw error;
    }
    const { cookie } = saved;
    if (accessed || cookie !== "keep") varyOnCookie(response.headers);
    this.clearSite(response, session);
    if (cookie === "keep") return;
    if (cookie === "delete") this.deleteCookie(request, response);
    else this.setCookie(session, request, response, formatToken(cookie), EMPTY_FIELDS);
    const sent = decision.outcome === "write" ? "write" : "refresh";
    events.saved({ outcome: cookie === "delete" ? "delete" : sent, cookieName: this.getCookieName() });
  }

  #decide(
    state: StoreSessionState,
    pending: PendingCommit,
    accessed: boolean,
    request: SessionRequest,
  ): RecordDecision {
    const { refreshEachRequest } = this.config;
    const { origin, checkpoint, identity, isFailure, messages } = pending;
    const hasMessages = isFailure ? origin?.messages !== undefined : messages !== undefined;
    const isChanged = hasMessages || (!isFailure && pending.isModified && !changesNothing(pending.changes));
    const record = origin?.known.entry;
    const isPermanentChanged =
      checkpoint.fields.get("_permanent") !== record?.fields.get("_permanent") && !isFailure;
    return decideRecord({
      // A session with an owner is not empty, even without data.
      empty: isEmpty(checkpoint.fields) && pending.owner === null,
      modified: pending.isModified,
      accessed,
      permanent: pending.isPermanent,
      refreshEachRequest,
      isStored: origin !== undefined,
      isDestroyed: identity === "destroyed",
      isCleared: pending.isCleared,
      isRegenerated: identity === "regenerated",
      isFailure,
      isChanged,
      isTouchDue: origin !== undefined && this.#isTouchDue(origin, request),
      isRotationDue: origin !== undefined && this.#isRotationDue(origin, request),
      isCookieDue: origin?.needsCookie === true || isPermanentChanged || state.maxAge !== undefined,
      isCookieDeletionDue: state.isCookieDeletionDue,
    });
  }

  #presented(request: SessionRequest): string[] {
    const cookies = readCookies(request.headers.get("Cookie") ?? "", this.getCookieName());
    return [...new Set(cookies)];
  }

  #publishOpened(opened: OpenResult, request: SessionRequest): OpenResult {
    if (opened.hasDuplicates) this.#withDuplicates.add(request);
    if (opened.origin !== undefined) {
      const { selector, fields } = opened.origin.known.entry;
      events.opened({ cookieName: this.getCookieName(), keys: fields.size, selector });
    }
    return opened;
  }

  #sessionOf(arrivedAt: number, opened: OpenResult | (() => Promise<OpenResult>)): Session {
    return sessionOf(new StoreSessionState(this.config, this.#reader, arrivedAt, opened));
  }
}

shareClass("StoreSessionInterface", StoreSessionInterface);
