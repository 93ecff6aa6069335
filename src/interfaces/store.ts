import { readCookies } from "../cookie.ts";
import { decide } from "../decide.ts";
import { BadPayload } from "../errors.ts";
import { events } from "../events.ts";
import { EMPTY_FIELDS, type Fields } from "../json/fields.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { varyOnCookie } from "../response-headers.ts";
import { assertFits } from "../schema.ts";
import { sessionOf, stateOf, type Session } from "../session.ts";
import type { Found } from "../stores/store.ts";
import { formatToken, parseToken, sameText, standing, successorOf, type Token } from "../stores/token.ts";
import { take } from "../stores/transact.ts";
import { CookieSessionInterface } from "./cookie-interface.ts";
import type { SessionRequest, SessionResponse } from "./session-interface.ts";
import { commit } from "./store-commit.ts";
import type { StoreConfig } from "./store-config.ts";
import { isEmpty, StoreSessionState, type Arrival, type Origin } from "./store-state.ts";

/** More tokens than this in one request are not looked up. */
const MAX_CANDIDATES = 8;

/** More fields than this are not looked into; stores refuse them long before. */
const MAX_FIELDS = 10_000;

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
  /** A request without a token costs nothing; one with a token a single read, or none before it is asked for. */
  openSession(request: SessionRequest): Session | Promise<Session> {
    const arrivedAt = this.config.now();
    const cookies = readCookies(request.headers.get("Cookie") ?? "", this.getCookieName());
    const tokens = [...new Set(cookies)].slice(0, MAX_CANDIDATES).flatMap((text) => parseToken(text) ?? []);
    if (tokens.length === 0 && cookies.length > 0) this.refused("malformed");
    const sessionFrom = (arrival: Arrival | (() => Promise<Arrival>)) =>
      this.#sessionOf(request, arrivedAt, arrival);
    if (tokens.length === 0) return sessionFrom(NOTHING);
    const find = () => this.#find(tokens, request.readOnly === true);
    return this.config.lazy ? sessionFrom(find) : find().then(sessionFrom);
  }

  async saveSession(session: Session, response: SessionResponse): Promise<void> {
    const state = stateOf(session) as StoreSessionState;
    const { accessed, origin } = state;
    if (!state.isLoaded) return accessed ? varyOnCookie(response.headers) : undefined;
    const fields = state.fields();
    if (state.isAmbiguous) return varyOnCookie(response.headers);
    const { outcome, vary } = decide({
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
    const isFailure = (response.status ?? 200) >= 500 && !this.config.saveOnError;
    if (outcome === "write" && !isFailure) assertFits(this.config.misfit, fields);
    const token = await commit(state, outcome, isFailure, this.config);
    if (vary || token !== "keep") varyOnCookie(response.headers);
    this.clearSite(response, session);
    if (token === "keep") return;
    const cookieName = this.getCookieName();
    if (token === "delete") this.deleteCookie(response);
    else this.setCookie(response, formatToken(token), session, EMPTY_FIELDS);
    const sent = outcome === "write" ? "write" : "refresh";
    events.saved({ outcome: token === "delete" ? "delete" : sent, cookieName });
  }

  async #find(tokens: readonly Token[], readOnly: boolean): Promise<Arrival> {
    const origins: Origin[] = [];
    for (const token of tokens) {
      const found = await this.config.store.read(token.selector);
      const origin = found.status === "ok" ? await this.#admit(found, token) : undefined;
      if (found.status !== "ok") this.refused(found.undecodable ? "undecodable" : "unknown");
      if (origin !== undefined) origins.push(origin);
    }
    const [origin, ...others] = origins;
    // The partitioned and the plain cookie of one session may come in together; two sessions may not.
    const isAmbiguous = others.some(({ record }) => record.selector !== origin?.record.selector);
    if (isAmbiguous) this.refused("ambiguous");
    if (origin === undefined || isAmbiguous) return { isAmbiguous };
    const claimed = readOnly ? await this.#touch(origin) : await this.#takeFlashes(origin);
    events.opened({
      cookieName: this.getCookieName(),
      keys: claimed.record.fields.size,
      selector: origin.record.selector,
    });
    return { origin: claimed };
  }

  /** Judges the verifier; the record itself was found live by the store, and is judged once more here. */
  async #admit({ record, now }: Found, token: Token): Promise<Origin | undefined> {
    const { rotationKey, reusedTokens, store } = this.config;
    const judged = standing(record, token, now);
    if (now >= record.expiresAt || judged === "unknown") {
      this.refused("unknown");
      return undefined;
    }
    if (!isReadable(record.fields, this.config.json)) {
      this.refused("undecodable");
      return undefined;
    }
    if (judged === "replaced") {
      events.reused({ selector: record.selector, owner: record.owner });
      if (reusedTokens === "destroy") await store.destroy(record.selector);
      return undefined;
    }
    if (this.config.misfit?.(record.fields) !== undefined) {
      this.refused("schema");
      return undefined;
    }
    if (judged === "current") return { record, token, isMissed: false, now, flashes: undefined };
    const successor = rotationKey === null ? undefined : successorOf(token, rotationKey);
    const isKnown = successor !== undefined && sameText(successor.verifierHash, record.verifierHash);
    return { record, token: isKnown ? successor : token, isMissed: isKnown, now, flashes: undefined };
  }

  /** A visitor who only looks is active as well, and nothing will be saved that could note it. */
  async #touch(origin: Origin): Promise<Origin> {
    const { store, idleTimeout: idle, touchEvery: every } = this.config;
    const { record, token, now } = origin;
    if ((now - record.lastSeenAt) / 1000 >= every)
      await store.touch(record.selector, token.verifierHash, { idle, every });
    return origin;
  }

  /**
   * One-time messages are taken out of the record before anybody can show them, so that of parallel requests only one
   * has them; what it does not show goes back when it is saved.
   */
  async #takeFlashes(origin: Origin): Promise<Origin> {
    const { record, token } = origin;
    if (!record.fields.has("_flashes")) return origin;
    const text = await take(this.config.store, record.selector, token.verifierHash, "_flashes", {
      fields: record.fields,
    });
    const fields = new Map(record.fields);
    fields.delete("_flashes");
    if (text !== null) fields.set("_flashes", text);
    return { ...origin, record: { ...record, fields }, flashes: text ?? undefined };
  }

  #sessionOf(
    request: SessionRequest,
    arrivedAt: number,
    arrival: Arrival | (() => Promise<Arrival>),
  ): Session {
    const { json, trackNested, ownable, keepAtLogin } = this.config;
    const options = { request, arrivedAt, arrival, json, trackNested, ownable, keepAtLogin };
    return sessionOf(new StoreSessionState({ ...options, take: this.#take }));
  }

  readonly #take = async ({ record, token }: Origin, key: string): Promise<unknown> => {
    const { selector, fields } = record;
    const text = await take(this.config.store, selector, token.verifierHash, key, { fields });
    return text === null ? undefined : this.config.json.loads(text);
  };
}

/** Whatever else writes to the store may have left what nobody can read; the record is kept for inspection. */
function isReadable(fields: Fields, json: TaggedJSONSerializer): boolean {
  if (fields.size > MAX_FIELDS) return false;
  try {
    for (const text of fields.values()) json.loads(text);
    return true;
  } catch (error) {
    if (error instanceof BadPayload) return false;
    throw error;
  }
}
