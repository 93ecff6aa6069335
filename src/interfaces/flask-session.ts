import { randomBytes } from "node:crypto";
import { readCookie } from "../http/cookie.ts";
import { decide, isEmpty, type Outcome } from "./decide.ts";
import { BadSignature } from "../errors.ts";
import { events } from "./events.ts";
import type { Signer } from "../itsdangerous/signer.ts";
import { EMPTY_FIELDS, type Fields } from "../json/fields.ts";
import { varyOnCookie } from "../http/response-headers.ts";
import { stateOf, type Session } from "../session/session.ts";
import type { RecordAction } from "./record/commit.ts";
import { RecordSessionInterface, type PresentedKey, type RecordConfig } from "./record.ts";
import { RecordSessionState, type RecordStateOptions } from "./record/state.ts";
import type { SessionRequest, SessionResponse } from "./session-interface.ts";

/** Configuration of Flask-Session's sessions, beside that of record and cookie. */
export interface FlaskSessionConfig extends RecordConfig<Buffer> {
  /** New sessions are permanent. */
  readonly permanent: boolean;
  /** Signs the id in the cookie; null: the cookie holds the plain id. */
  readonly signer: Signer | null;
  /** Bytes of randomness in an id. */
  readonly idLength: number;
}

const PERMANENT = "_permanent";
/** Ids of 32 bytes have 43 characters; before 0.6 they were UUIDs. */
const SID = /^[A-Za-z0-9_-]{16,255}$/;

/**
 * Reads and writes the sessions of Flask-Session with Redis: the same cookie, the same record, the same decisions.
 *
 * Source: `flask_session.base` and `flask_session.redis` of Flask-Session 0.8.
 */
export class FlaskSessionInterface extends RecordSessionInterface<Buffer, FlaskSessionConfig> {
  async saveSession(session: Session, request: SessionRequest, response: SessionResponse): Promise<void> {
    const state = stateOf(session) as RecordSessionState<Buffer>;
    const { accessed } = state;
    const fields = state.fields();
    const { refreshEachRequest } = this.config;
    const { outcome, vary } = decide({
      isNull: false,
      empty: isEmpty(fields),
      modified: state.modified,
      accessed,
      permanent: state.isPermanent,
      refreshEachRequest,
      age: undefined,
      refreshAfter: 0,
    });
    if (vary) varyOnCookie(response.headers);
    const result = await this.commit(state, this.#actionOf(outcome, fields, state.isCleared), false);
    const cookieName = this.getCookieName();
    if (result === "removed" || (result === "none" && outcome === "delete")) {
      this.deleteCookie(request, response);
      events.saved({ outcome: "delete", cookieName });
    }
    // Without a key, the record was removed meanwhile: the browser may already have the cookie of another session.
    if (typeof result !== "object" || outcome === "nothing") return;
    this.setCookie(session, request, response, this.#signed(result.key), EMPTY_FIELDS);
    events.saved({ outcome: outcome === "refresh" ? "refresh" : "write", cookieName });
  }

  protected presentedKey(request: SessionRequest): PresentedKey {
    const text = readCookie(request.headers.get("Cookie") ?? "", this.getCookieName());
    if (text === undefined || text === "") return undefined;
    const sid = this.#unsigned(text);
    if (sid === undefined) return "bad_signature";
    return SID.test(sid) ? { key: sid } : "malformed";
  }

  protected newKey(): string {
    return randomBytes(this.config.idLength).toString("base64url");
  }

  /** Flask-Session gives all records the lifetime of permanent sessions. */
  protected lifetimeOf(): number {
    return this.config.lifetime;
  }

  protected override initialFields(): Fields {
    return this.config.permanent ? new Map([[PERMANENT, "true"]]) : EMPTY_FIELDS;
  }

  protected override newState(options: RecordStateOptions<Buffer>): RecordSessionState<Buffer> {
    return new FlaskSessionState(options);
  }

  protected override isRemovedWith(fields: Fields): boolean {
    return isEmpty(fields);
  }

  /**
   * Clearing ends the session, which is how a Flask app logs out. Deleting the last key does not, since another request may
   * have added one. A refresh extends the lifetime of every session that is not empty, permanent or not: only the cookie
   * depends on that.
   */
  #actionOf(outcome: Outcome, fields: Fields, isCleared: boolean): RecordAction {
    if (outcome === "delete") return isCleared ? "remove" : "write";
    if (outcome === "write") return "write";
    return this.config.refreshEachRequest && !isEmpty(fields) ? "touch" : "nothing";
  }

  #signed(sid: string): string {
    return this.config.signer?.sign(sid) ?? sid;
  }

  #unsigned(text: string): string | undefined {
    if (this.config.signer === null) return text;
    try {
      return this.config.signer.unsign(text);
    } catch (error) {
      if (error instanceof BadSignature) return undefined;
      throw error;
    }
  }
}

class FlaskSessionState extends RecordSessionState<Buffer> {
  /** Removes every key except `_permanent`. */
  override clear(): void {
    const permanent = this.get(PERMANENT);
    super.clear();
    this.set(PERMANENT, permanent);
  }

  override regenerate(keep: readonly string[] | true): void {
    super.regenerate(keep === true ? true : [...keep, PERMANENT]);
  }
}
