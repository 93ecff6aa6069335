import { shareClass } from "../copies.ts";
import { readCookies } from "../http/cookie.ts";
import { decideRecord, isEmpty, type RecordDecision } from "./decide.ts";
import { SessionLostError, StoreError } from "../errors.ts";
import { events } from "./events.ts";
import { EMPTY_FIELDS } from "../json/fields.ts";
import { varyOnCookie } from "../http/response-headers.ts";
import { sessionOf, stateOf, type Session } from "../session/session.ts";
import { formatToken, parseToken } from "../stores/parts/token.ts";
import { CookieSessionInterface } from "./cookie-interface.ts";
import { changesFields, hasShown } from "./messages.ts";
import type { SessionRequest, SessionResponse } from "./session-interface.ts";
import {
  fieldsOf,
  secondsSince,
  StoreReader,
  type Opened,
  type Origin,
  type StoreConfig,
} from "./store/open.ts";
import { commit, type Saved, type Wanted } from "./store/save.ts";
import { StoreSessionState } from "./store/state.ts";

/** More tokens than this in one request are not looked up. */
const MAX_CANDIDATES = 8;

/** What no token leads to. */
const NOTHING: Opened = {};

/**
 * Sessions on a server: the cookie carries `selector.verifier`, a store keeps the data under the selector beside a hash
 * of the verifier, so that neither a stolen store nor a planted cookie makes a session. `sessions({ store })` makes one;
 * override its `get…` methods where a setting of the cookie is more than a constant, with `resolveStoreOptions` for its constructor.
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
  /** Requests that brought several tokens of ours. */
  readonly #split = new WeakSet<SessionRequest>();

  constructor(config: StoreConfig) {
    super(config);
    this.#reader = new StoreReader(config, (reason) => this.refused(reason));
  }

  /** A request without a token costs nothing; one with a token a single read, or none before it is asked for. */
  openSession(request: SessionRequest): Session | Promise<Session> {
    const arrivedAt = this.config.now();
    const cookies = this.#presented(request);
    // What is no token takes no place of one: a sibling subdomain can set any number of cookies.
    const tokens = cookies.flatMap((text) => parseToken(text) ?? []).slice(0, MAX_CANDIDATES);
    if (tokens.length === 0 && cookies.length > 0) this.refused("malformed");
    if (tokens.length === 0) return this.#sessionOf(arrivedAt, NOTHING);
    const find = () => this.#reader.find(tokens, request);
    return this.config.lazy
      ? this.#sessionOf(arrivedAt, () => find().then((opened) => this.#tell(opened, request)))
      : find().then((opened) => this.#sessionOf(arrivedAt, this.#tell(opened, request)));
  }

  override hasOwnCookie(request: SessionRequest): boolean {
    return this.#presented(request).some((text) => parseToken(text) !== undefined);
  }

  protected override hasRivals(request: SessionRequest): boolean {
    return this.#split.has(request);
  }

  /** What was opened → what is wanted → one decision → the commit → the cookie. */
  saveSession(session: Session, request: SessionRequest, response: SessionResponse): void | Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    // A fetch that is under way takes messages out of the store, which are to go back. Its own caller is told if it fails.
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
      // A socket takes no part in the rotations of requests and does not get their cookies.
      const found = await this.#reader.follow(origin, false);
      if (found !== undefined) state.moveTo({ ...origin, known: found.known, token: found.token });
    }
    const wanted = state.want(request, false, false);
    const decision = this.#decide(state, wanted, state.accessed, request);
    await this.#commit(state, wanted, decision, request);
  }

  async reloadSession(session: Session, request: SessionRequest): Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    if (!state.isLoaded) return state.load();
    const { origin } = state;
    if (origin === undefined) throw new SessionLostError("There is no session to read again.");
    const found = await this.#reader.follow(origin, request.isHandshake === true);
    if (found === undefined)
      throw new SessionLostError("The session ended, or moved on to another identity.");
    state.reset({ fields: fieldsOf(found) });
    state.moveTo(found);
  }

  /** Most requests only look: then there is nothing to decide, and nothing to wait for. */
  #isIdle(state: StoreSessionState, request: SessionRequest): boolean {
    // What was changed inside of a value is found by comparing it.
    if (state.isOpened && !state.modified) state.fields();
    const { origin } = state;
    const isChanged = state.modified || state.identity !== "kept" || state.wasDestroyed || state.isCookieDead;
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

  /** The last commit of a request. If it cannot be made, the messages that the request took wait for the next one. */
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
    let saved: Saved;
    try {
      const wanted = state.want(request, true, isFailure);
      decision = this.#decide(state, wanted, accessed, request);
      saved = await this.#commit(state, wanted, decision, request);
      const { changes } = wanted.checkpoint;
      if (saved.isOvertaken && origin && !hasShown(changes, origin.messages, this.config.json))
        await this.#reader.giveBack(origin);
    } catch (error) {
      if (origin !== undefined && !(error instanceof StoreError)) await this.#reader.giveBack(origin);
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
    wanted: Wanted,
    accessed: boolean,
    request: SessionRequest,
  ): RecordDecision {
    const { refreshEachRequest } = this.config;
    const { origin, checkpoint, identity, isFailure, messages } = wanted;
    const hasMessages = isFailure ? origin?.messages !== undefined : messages !== undefined;
    const isChanged = hasMessages || (!isFailure && wanted.isModified && changesFields(checkpoint.changes));
    const record = origin?.known.entry;
    const isPermanentMoved =
      checkpoint.fields.get("_permanent") !== record?.fields.get("_permanent") && !isFailure;
    return decideRecord({
      // A session with an owner is not nothing, even while it holds no data.
      empty: isEmpty(checkpoint.fields) && wanted.owner === null,
      modified: wanted.isModified,
      accessed,
      permanent: wanted.isPermanent,
      refreshEachRequest,
      isStored: origin !== undefined,
      isDestroyed: identity === "destroyed",
      isCleared: wanted.isCleared,
      isRegenerated: identity === "regenerated",
      isFailure,
      isChanged,
      isTouchDue: origin !== undefined && this.#isTouchDue(origin, request),
      isRotationDue: origin !== undefined && this.#isRotationDue(origin, request),
      isCookieDue: origin?.needsCookie === true || isPermanentMoved || state.maxAge !== undefined,
      isCookieDead: state.isCookieDead,
    });
  }

  #commit(
    state: StoreSessionState,
    wanted: Wanted,
    decision: RecordDecision,
    request: SessionRequest,
  ): Promise<Saved> {
    const config = wanted.isFinal ? this.config : { ...this.config, lostWrites: "throw" as const };
    return commit(wanted, decision, request, config).then((saved) => {
      if ("error" in saved) {
        state.settleFailure(wanted, saved, request);
        throw saved.error;
      }
      state.settle(wanted, saved);
      return saved;
    });
  }

  #presented(request: SessionRequest): string[] {
    const cookies = readCookies(request.headers.get("Cookie") ?? "", this.getCookieName());
    return [...new Set(cookies)];
  }

  #tell(opened: Opened, request: SessionRequest): Opened {
    if (opened.isSplit) this.#split.add(request);
    if (opened.origin !== undefined) {
      const { selector, fields } = opened.origin.known.entry;
      events.opened({ cookieName: this.getCookieName(), keys: fields.size, selector });
    }
    return opened;
  }

  #sessionOf(arrivedAt: number, opened: Opened | (() => Promise<Opened>)): Session {
    return sessionOf(new StoreSessionState(this.config, this.#reader, arrivedAt, opened));
  }
}

shareClass("StoreSessionInterface", StoreSessionInterface);
