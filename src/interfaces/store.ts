import { shareClass } from "../copies.ts";
import { readCookies } from "../http/cookie.ts";
import { decide, type Decision } from "./decide.ts";
import { SessionLostError, StoreError } from "../errors.ts";
import { events } from "./events.ts";
import { EMPTY_FIELDS } from "../json/fields.ts";
import { varyOnCookie } from "../http/response-headers.ts";
import { sessionOf, stateOf, type Session } from "../session/session.ts";
import { formatToken, parseToken } from "../stores/token.ts";
import { CookieSessionInterface } from "./cookie-interface.ts";
import type { SessionRequest, SessionResponse } from "./session-interface.ts";
import { commit } from "./store/commit.ts";
import type { StoreConfig } from "./store/config.ts";
import type { Committed, CookieFate } from "./store/intent.ts";
import type { Arrival, Origin } from "./store/origin.ts";
import { StoreReader } from "./store/reader.ts";
import { isEmpty, StoreSessionState } from "./store/state.ts";

/** More tokens than this in one request are not looked up. */
const MAX_CANDIDATES = 8;
const AMBIGUOUS =
  "Two sessions came with this request, so nobody can say which one is meant; nothing was saved.";

/** What no token leads to. */
const NOTHING: Arrival = {};

/**
 * Sessions on a server: the cookie carries `selector.verifier`, a store keeps the data under the selector beside a hash
 * of the verifier, so that neither a stolen store nor a planted cookie makes a session. `sessions({ store })` makes one;
 * override its `get…` methods where a setting of the cookie is more than a constant.
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

  constructor(config: StoreConfig) {
    super(config);
    this.#reader = new StoreReader(config, (reason) => this.refused(reason));
  }

  /** A request without a token costs nothing; one with a token a single read, or none before it is asked for. */
  openSession(request: SessionRequest): Session | Promise<Session> {
    const arrivedAt = this.config.now();
    const cookies = readCookies(request.headers.get("Cookie") ?? "", this.getCookieName());
    const tokens = [...new Set(cookies)].slice(0, MAX_CANDIDATES).flatMap((text) => parseToken(text) ?? []);
    if (tokens.length === 0 && cookies.length > 0) this.refused("malformed");
    const sessionFrom = (arrival: Arrival | (() => Promise<Arrival>)) =>
      this.#sessionOf(request, arrivedAt, arrival);
    if (tokens.length === 0) return sessionFrom(NOTHING);
    const find = async () => this.#opened(await this.#reader.find(tokens, request));
    return this.config.lazy ? sessionFrom(find) : find().then(sessionFrom);
  }

  async saveSession(session: Session, response: SessionResponse): Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    const { accessed } = state;
    // It takes messages out of the store, which are to go back. Whoever began it hears of its failure.
    if (state.loading !== undefined) await state.loading.catch(() => {});
    if (!state.isLoaded) return accessed ? varyOnCookie(response.headers) : undefined;
    if (state.isAmbiguous) return varyOnCookie(response.headers);
    const isFailure = (response.status ?? 200) >= 500 && !this.config.saveOnError;
    const { decision, cookie } = await this.#settle(state, isFailure);
    if (decision.vary || cookie !== "keep") varyOnCookie(response.headers);
    this.clearSite(response, session);
    if (cookie === "keep") return;
    if (cookie === "delete") this.deleteCookie(response);
    else this.setCookie(response, formatToken(cookie), session, EMPTY_FIELDS);
    const sent = decision.outcome === "write" ? "write" : "refresh";
    events.saved({ outcome: cookie === "delete" ? "delete" : sent, cookieName: this.getCookieName() });
  }

  async commitSession(session: Session): Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    if (!state.isLoaded) return;
    if (state.isAmbiguous) throw new SessionLostError(AMBIGUOUS);
    const { origin, request } = state;
    if (request.isHandshake && origin !== undefined && this.config.rotateAfter > 0) {
      // A socket has no part in the rotations of requests, and was not told of them.
      const { token } = (await this.#reader.follow(origin, false)) ?? {};
      if (token !== undefined) state.moveTo({ ...origin, token });
    }
    await this.#commit(state, this.#decide(state), { isFailure: false, isFinal: false });
  }

  async reloadSession(session: Session): Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    if (!state.isLoaded) return state.load();
    const { origin, request } = state;
    if (origin === undefined) throw new SessionLostError("There is no session to read again.");
    const now = await this.#reader.follow(origin, request.isHandshake === true);
    if (now === undefined) throw new SessionLostError("The session ended, or moved on to another identity.");
    state.reset({ fields: now.record.fields });
    state.moveTo(now);
  }

  /** The last commit of a request. If it cannot be made, the messages that the request took wait for the next one. */
  async #settle(
    state: StoreSessionState,
    isFailure: boolean,
  ): Promise<{ readonly decision: Decision; readonly cookie: CookieFate }> {
    const { origin } = state;
    try {
      const decision = this.#decide(state);
      const { cookie } = await this.#commit(state, decision, { isFailure, isFinal: true });
      return { decision, cookie };
    } catch (error) {
      if (origin !== undefined && !(error instanceof StoreError)) await this.#reader.giveBack(origin);
      throw error;
    }
  }

  #decide(state: StoreSessionState): Decision {
    const { accessed, origin } = state;
    const fields = state.fields();
    return decide({
      isNull: false,
      // Somebody's session is not nothing, even while it holds no data.
      empty: isEmpty(fields) && state.owner === null,
      modified: state.modified,
      accessed,
      // A touch is to a record what a refresh is to a cookie: due for every session, as often as was configured.
      permanent: origin !== undefined,
      refreshEachRequest: true,
      age: origin && (origin.now - origin.record.lastSeenAt) / 1000,
      refreshAfter: this.config.touchEvery,
    });
  }

  async #commit(
    state: StoreSessionState,
    { outcome }: Decision,
    { isFailure, isFinal }: { readonly isFailure: boolean; readonly isFinal: boolean },
  ): Promise<Committed> {
    const intent = state.take(isFinal);
    try {
      const config = isFinal ? this.config : { ...this.config, lostWrites: "throw" as const };
      const committed = await commit(intent, outcome, isFailure, config);
      intent.stored(committed);
      return committed;
    } catch (error) {
      intent.failed(error);
      throw error;
    }
  }

  #opened(arrival: Arrival): Arrival {
    if (arrival.origin !== undefined) {
      const { selector, fields } = arrival.origin.record;
      events.opened({ cookieName: this.getCookieName(), keys: fields.size, selector });
    }
    return arrival;
  }

  #sessionOf(
    request: SessionRequest,
    arrivedAt: number,
    arrival: Arrival | (() => Promise<Arrival>),
  ): Session {
    const { json, trackNested, ownable, keepAtLogin } = this.config;
    const take = this.#take;
    return sessionOf(
      new StoreSessionState({ request, arrivedAt, arrival, json, trackNested, ownable, keepAtLogin, take }),
    );
  }

  readonly #take = (origin: Origin, key: string): Promise<unknown> => this.#reader.take(origin, key);
}

shareClass("StoreSessionInterface", StoreSessionInterface);
