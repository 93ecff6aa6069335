import { checkNames, checkSeconds } from "../check-options.ts";
import { shareClass } from "../copies.ts";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { BadData, CsrfError, SignatureExpired } from "../errors.ts";
import { compactJSON, type PayloadSerializer } from "../itsdangerous/json.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { URLSafeTimedSerializer } from "../itsdangerous/url-safe.ts";
import type { Session } from "../session/session.ts";
import { CSRF_TOKEN } from "../session/state.ts";
import { getSession } from "./context.ts";

/** Options of {@link CsrfProtect}; defaults are Flask-WTF's. */
export interface CsrfOptions {
  /** Signs the tokens. `WTF_CSRF_SECRET_KEY`, which defaults to `SECRET_KEY`. */
  readonly secretKey: SecretKey;
  /** Old secrets whose tokens are still accepted, newest last. Default none. */
  readonly secretKeyFallbacks?: readonly SecretKey[] | undefined;
  /** Key in the session, and name of the form field. `WTF_CSRF_FIELD_NAME`. Default `"csrf_token"`. */
  readonly fieldName?: string | undefined;
  /** Seconds for which a token is valid; null: as long as its session. `WTF_CSRF_TIME_LIMIT`. Default 3600. */
  readonly timeLimit?: number | null | undefined;
  /** The clock, in epoch milliseconds. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const OPTIONS = ["secretKey", "secretKeyFallbacks", "fieldName", "timeLimit", "now"];

/**
 * CSRF tokens compatible with Flask-WTF: a form of the Flask app can be posted to this one and vice versa, if both share
 * the session and the secret key. Without a Flask app, `crossOriginProtection` protects without tokens.
 *
 * A token belongs to one session, and every call creates a new one; a login (`session.owner`, `session.regenerate()`)
 * invalidates earlier ones.
 *
 * @example
 * ```ts
 * import { CsrfProtect } from "hipflask/csrf";
 *
 * const csrf = new CsrfProtect({ secretKey: "the SECRET_KEY of both apps" });
 * export const form = () => `<form method="post">${csrf.hiddenTag()}<button>Buy</button></form>`;
 * export async function buy(request: Request): Promise<Response> {
 *   csrf.validateCsrf((await request.formData()).get("csrf_token")); // throws CsrfError: 400
 *   return new Response("bought\n");
 * }
 * ```
 */
export class CsrfProtect {
  readonly fieldName: string;
  readonly timeLimit: number | null;
  readonly #serializer: URLSafeTimedSerializer;

  /** @throws ConfigError for an invalid secret */
  constructor(options: CsrfOptions) {
    checkNames("CsrfProtect", options, OPTIONS);
    const { secretKey, secretKeyFallbacks = [], fieldName = CSRF_TOKEN, timeLimit = 3600, now } = options;
    if (timeLimit !== null) checkSeconds("timeLimit", timeLimit);
    this.fieldName = fieldName;
    this.timeLimit = timeLimit;
    this.#serializer = new URLSafeTimedSerializer([...secretKeyFallbacks, secretKey], {
      salt: "wtf-csrf-token",
      serializer: salted,
      ...(now !== undefined && { now }),
    });
  }

  /** Creates a token for a form, or for the header `X-CSRFToken`. Begins a session if there is none. Default: the current session. */
  generateCsrf(session: Session = getSession()): string {
    const stored: unknown = session.get(this.fieldName);
    const secret = typeof stored === "string" ? stored : randomBytes(20).toString("hex");
    if (secret !== stored) session.set(this.fieldName, secret);
    return this.#serializer.dumps(secret);
  }

  /** A hidden form field with a token, as HTML. */
  hiddenTag(session?: Session): string {
    const name = this.fieldName.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
    return `<input type="hidden" name="${name}" value="${this.generateCsrf(session)}">`;
  }

  /**
   * Checks the token that a request sent in the form field, or in the header `X-CSRFToken`.
   *
   * @throws CsrfError (400) unless it is a token of this session, made within the time limit
   */
  validateCsrf(token: unknown, session: Session = getSession()): void {
    if (typeof token !== "string" || token === "") throw new CsrfError("missing");
    const stored: unknown = session.get(this.fieldName);
    if (stored === undefined) throw new CsrfError("no_session");
    if (!isSame(this.#load(token), stored)) throw new CsrfError("mismatch");
  }

  #load(token: string): unknown {
    try {
      return this.#serializer.loads(token, { ...(this.timeLimit !== null && { maxAge: this.timeLimit }) });
    } catch (error) {
      if (error instanceof SignatureExpired) throw new CsrfError("expired", { cause: error });
      if (error instanceof BadData) throw new CsrfError("invalid", { cause: error });
      throw error;
    }
  }
}

shareClass("CsrfProtect", CsrfProtect);

/**
 * JSON after white space that encodes 64 random bits and that both sides skip. Each token has another signature, so
 * compressed pages do not leak one to a BREACH attack.
 */
const salted: PayloadSerializer = {
  dumps: (value) =>
    `${Array.from(randomBytes(32), (byte) => " \t\n\r"[byte & 3]).join("")}${compactJSON.dumps(value)}`,
  loads: compactJSON.loads,
};

function isSame(given: unknown, stored: unknown): boolean {
  if (typeof given !== "string" || typeof stored !== "string") return false;
  const [left, right] = [Buffer.from(given), Buffer.from(stored)];
  return left.length === right.length && timingSafeEqual(left, right);
}
