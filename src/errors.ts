import { otherVersions, shareClass } from "./copies.ts";
import { withHelp } from "./help.ts";

/** Every literal `code` an error of this library can carry; stable, meant for `switch`. */
export type HipflaskErrorCode =
  | "BAD_DATA"
  | "BAD_SIGNATURE"
  | "BAD_TIME_SIGNATURE"
  | "SIGNATURE_EXPIRED"
  | "BAD_HEADER"
  | "BAD_PAYLOAD"
  | "BAD_SHAPE"
  | "CONFIG"
  | "NO_SECRET_KEY"
  | "OUTSIDE_REQUEST"
  | "FOREIGN_CONTEXT"
  | "RESERVED_NAME"
  | "UNSERIALIZABLE"
  | "SCHEMA"
  | "COOKIE_TOO_LARGE"
  | "SESSION_CLOSED"
  | "SESSION_READ_ONLY"
  | "SESSION_NOT_LOADED"
  | "STORE"
  | "CONFLICT"
  | "SESSION_LOST"
  | "OWNER_LIMIT"
  | "NOT_FRESH"
  | "FOREIGN_ORIGIN"
  | "CSRF";

/**
 * The root of every error this library throws on purpose. Messages end with a link to the paragraph about the error, except
 * those that are Python's.
 *
 * @example
 * ```ts
 * import { HipflaskError } from "hipflask";
 * try { JSON.parse("{"); } catch (error) { if (error instanceof HipflaskError) console.error(error.code); }
 * ```
 */
export class HipflaskError extends Error {
  /** What went wrong, as a stable word. */
  readonly code: HipflaskErrorCode;
  /** The HTTP status to answer with, where it is not 500. */
  readonly status?: number;

  constructor(code: HipflaskErrorCode, message: string, options?: ErrorOptions) {
    super(withHelp(code, message), options);
    this.code = code;
  }
}

/** A token or payload that cannot be trusted or read. Same place in the tree as `itsdangerous.BadData`. */
export class BadData extends HipflaskError {
  constructor(message: string, options?: ErrorOptions, code: HipflaskErrorCode = "BAD_DATA") {
    super(code, message, options);
  }
}

/** What `BadSignature` and its children were looking at. */
export interface SignatureEvidence extends ErrorOptions {
  /** The signed text without its signature, **not** verified unless the error is a `SignatureExpired`. */
  payload?: string;
  /** When the text was signed, if that could be read. */
  dateSigned?: Date;
}

/** The signature is missing or matches no key. Mirrors `itsdangerous.BadSignature`. */
export class BadSignature extends BadData {
  /** The text whose signature failed. Never trust it; it is evidence for logs and tests. */
  readonly payload: string | undefined;

  constructor(message: string, evidence: SignatureEvidence = {}, code: HipflaskErrorCode = "BAD_SIGNATURE") {
    super(message, evidence, code);
    this.payload = evidence.payload;
  }
}

/** The signature is right but its timestamp is missing or unreadable. Mirrors `itsdangerous.BadTimeSignature`. */
export class BadTimeSignature extends BadSignature {
  /** When the text was signed, if that could be read. */
  readonly dateSigned: Date | undefined;

  constructor(
    message: string,
    evidence: SignatureEvidence = {},
    code: HipflaskErrorCode = "BAD_TIME_SIGNATURE",
  ) {
    super(message, evidence, code);
    this.dateSigned = evidence.dateSigned;
  }
}

/** The signature is right but too old, or from the future. Mirrors `itsdangerous.SignatureExpired`. */
export class SignatureExpired extends BadTimeSignature {
  constructor(message: string, evidence: SignatureEvidence = {}) {
    super(message, evidence, "SIGNATURE_EXPIRED");
  }
}

/** The header of a signed text is unusable. Mirrors `itsdangerous.BadHeader`. */
export class BadHeader extends BadSignature {
  constructor(message: string, evidence: SignatureEvidence = {}) {
    super(message, evidence, "BAD_HEADER");
  }
}

/** Signed correctly, but what is inside cannot be decoded. Mirrors `itsdangerous.BadPayload`. */
export class BadPayload extends BadData {
  constructor(message: string, options?: ErrorOptions, code: HipflaskErrorCode = "BAD_PAYLOAD") {
    super(message, options, code);
  }
}

/** A payload that can be decoded, but to something else than the mapping a session is. */
export class BadShape extends BadPayload {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options, "BAD_SHAPE");
  }
}

/** An option that cannot work. Thrown when the options are given, never during a request. */
export class ConfigError extends HipflaskError {
  constructor(message: string, options?: ErrorOptions) {
    super("CONFIG", message, options);
  }
}

/** No secret key to sign sessions with: at the start, or at a write if it is null (Flask: `RuntimeError` of a null session). */
export class NoSecretKeyError extends HipflaskError {
  constructor(
    message = "The session is unavailable because no secret key was set. Pass `secretKey` to `sessions({ … })`, a random text kept private.",
  ) {
    super("NO_SECRET_KEY", message);
  }
}

/** `session` was used where no request is being handled (Flask: "Working outside of request context"). */
export class OutsideRequestError extends HipflaskError {
  constructor(
    message = "Working outside of a request: `session` only works in code called while a request is handled, behind " +
      "`sessions({ … })`. In a route, put `sessions({ … })` before it. In a unit test, run the code in " +
      "`sessionTransaction` of hipflask/testing.",
    advice = "",
  ) {
    super("OUTSIDE_REQUEST", [message, advice].join(" ").trimEnd() + otherVersions());
  }
}

/**
 * `session` was used in the context of another request, so a response may show another visitor's session, or a session
 * may hold what another visitor's request has written. The answer was not sent, or the session not saved.
 */
export class ForeignContextError extends HipflaskError {
  constructor(message: string) {
    super("FOREIGN_CONTEXT", message);
  }
}

/** A property was assigned whose name belongs to the session's own interface. */
export class ReservedNameError extends HipflaskError {
  constructor(name: string) {
    super(
      "RESERVED_NAME",
      `"${name}" is part of the session's own interface; store data of that name with session.set("${name}", value) and read it with session.get("${name}").`,
    );
  }
}

/** A value that has no place in a session: a function, a symbol, a cycle, an instance of an unknown class. */
export class UnserializableError extends HipflaskError {
  readonly #path: string;

  constructor(message: string, path = "", options?: ErrorOptions) {
    super("UNSERIALIZABLE", path === "" ? message : `${message} (${placeOf(path)})`, options);
    this.#path = path;
  }

  /**
   * Where the value sits, for example `cart[2].price`; empty for the value itself. Not in the message, and not in what
   * loggers print, since nested keys may be data: `sessions["ada@example.com"]`.
   */
  get path(): string {
    return this.#path;
  }
}

/** The top-level key of a path, which is a name in the app's code; what is inside of its value may be data. */
function placeOf(path: string): string {
  const [key = ""] = /^(?:\["(?:[^"\\]|\\.)*"\]|\[\d+\]|[^.[]*)/.exec(path) ?? [];
  return key === path ? `at ${key}` : `inside of ${key}; error.path says where`;
}

/** What a handler left in the session does not fit `schema`, so it would be refused on the next request; nothing was saved. */
export class SchemaError extends HipflaskError {
  readonly #path: string;

  constructor(path: string) {
    const [key = ""] = path.split(".", 1);
    const place = path === "" ? "" : ` ${key === path ? "at" : "inside of"} "${key}"`;
    super(
      "SCHEMA",
      `The session does not fit its schema${place}, so it was not saved; it would be refused on the next request.`,
    );
    this.#path = path;
  }

  /** Where it does not fit, for example `cart.2.price`; empty for the whole. Not in the message: nested keys may be data. */
  get path(): string {
    return this.#path;
  }
}

/** The cookie is longer than `maxCookieSize` and `oversize` is `"throw"`. Names sizes, never values. */
export class CookieTooLargeError extends HipflaskError {
  /** Length of the whole Set-Cookie value in bytes. */
  readonly size: number;
  /** The largest top-level keys with the bytes of their JSON text, biggest first. */
  readonly largest: ReadonlyArray<readonly [key: string, bytes: number]>;

  constructor(message: string, size: number, largest: ReadonlyArray<readonly [key: string, bytes: number]>) {
    super("COOKIE_TOO_LARGE", message);
    this.size = size;
    this.largest = largest;
  }
}

/** The session was changed after the response's headers had left; the change cannot be kept. */
export class SessionClosedError extends HipflaskError {
  constructor(
    message = "The session was changed after the response's headers were sent; change it before the first byte leaves.",
  ) {
    super("SESSION_CLOSED", message);
  }
}

/** The session was changed where no cookie can be set, so that the change could never reach the visitor. */
export class SessionReadOnlyError extends HipflaskError {
  constructor(message = "The session can only be read here, since no cookie can be set.") {
    super("SESSION_READ_ONLY", message);
  }
}

/** A session of a `lazy` store was used before it was fetched. */
export class SessionNotLoadedError extends HipflaskError {
  constructor() {
    super(
      "SESSION_NOT_LOADED",
      "The session was not fetched from its store yet: with `lazy`, call `await loadSession()` before you use it.",
    );
  }
}

/** Why a store could not do what it was asked. */
export type StoreErrorReason =
  | "unavailable" // the engine cannot be reached or refuses to work; trying again later may help
  | "timeout" // no answer within the time limit; the operation may or may not have been applied
  | "too-large" // the record would exceed the limits of the store
  | "full" // the store holds as much as it may
  | "invalid" // the caller passed something no store can keep
  | "unsupported"; // this store has no such verb

/**
 * A session store could not do its work. Says which verb and why, never what was in the session; the driver's error
 * is told in `cause` without the statements and values that drivers attach to theirs.
 */
export class StoreError extends HipflaskError {
  readonly reason: StoreErrorReason;
  /** What to answer (RFC 9110 §15.6.4): the visitor may try again later and is still logged in then. */
  override readonly status = 503;
  /** Headers of that answer, which frameworks add by themselves: when to try again, in seconds (RFC 9110 §10.2.3). */
  get headers(): Readonly<Record<string, string>> {
    return { "Retry-After": "5" };
  }

  constructor(reason: StoreErrorReason, message: string, options?: ErrorOptions) {
    super("STORE", message, options);
    this.reason = reason;
  }
}

/** Other requests changed the same field again and again; `transact` gave up. Nothing was written. */
export class SessionConflictError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.10). */
  override readonly status = 409;

  constructor(attempts: number) {
    super(
      "CONFLICT",
      `The session was not changed: ${attempts === 1 ? "another request" : `in each of ${attempts} attempts another request`} changed it first. Answer 409 or try again later.`,
    );
  }
}

/** The session ended, or moved to another identity, while this request was changing it; the change was dropped. */
export class SessionLostError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.10). */
  override readonly status = 409;

  constructor(message = "The session ended while this request was handled, so its changes were not saved.") {
    super("SESSION_LOST", message);
  }
}

/** The owner has as many live sessions as `maxPerOwner` allows, and its policy is to refuse one more. */
export class OwnerLimitError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.10). */
  override readonly status = 409;

  constructor() {
    super("OWNER_LIMIT", "The owner has too many sessions already; let them end one and log in again.");
  }
}

/** The visitor is not logged in, or logged in too long ago for what was asked; let them log in again and come back. */
export class NotFreshError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.4), unless you lead them to a login page. */
  override readonly status = 403;

  constructor() {
    super("NOT_FRESH", "This needs a login that is more recent; let the visitor log in again.");
  }
}

/** A page of another origin sent this request, or opened this socket, with the visitor's cookies; the session was not looked at. */
export class ForeignOriginError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.4). */
  override readonly status = 403;
  /** What the browser said; empty if it did not. Evidence for logs. */
  readonly origin: string;

  constructor(
    origin: string,
    message = "A page of another origin sent this request, so it was refused. If the page is yours, or if a proxy changes the Host header, name its origin: crossOriginProtection: { trustedOrigins: […] }.",
  ) {
    super("FOREIGN_ORIGIN", message);
    this.origin = origin;
  }
}

/** Why a form's token was refused. */
export type CsrfErrorReason = "missing" | "no_session" | "expired" | "invalid" | "mismatch";

const CSRF_MESSAGES: Readonly<Record<CsrfErrorReason, string>> = {
  missing: "The CSRF token is missing.",
  no_session: "The CSRF session token is missing.",
  expired: "The CSRF token has expired.",
  invalid: "The CSRF token is invalid.",
  mismatch: "The CSRF tokens do not match.",
};

/** A form came without a token of this session. Messages are those of Flask-WTF. */
export class CsrfError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.1). */
  override readonly status = 400;
  readonly reason: CsrfErrorReason;

  constructor(reason: CsrfErrorReason, options?: ErrorOptions) {
    super("CSRF", CSRF_MESSAGES[reason], options);
    this.reason = reason;
  }
}

const classes = {
  ForeignContextError,
  HipflaskError,
  BadData,
  BadSignature,
  BadTimeSignature,
  SignatureExpired,
  BadHeader,
  BadPayload,
  BadShape,
  ConfigError,
  NoSecretKeyError,
  OutsideRequestError,
  ReservedNameError,
  UnserializableError,
  SchemaError,
  CookieTooLargeError,
  SessionClosedError,
  SessionReadOnlyError,
  SessionNotLoadedError,
  StoreError,
  SessionConflictError,
  SessionLostError,
  OwnerLimitError,
  NotFreshError,
  ForeignOriginError,
  CsrfError,
};

// A bundler may rename the classes, but not the keys of an object.
for (const [name, Class] of Object.entries(classes)) {
  Object.defineProperty(Class.prototype, "name", { value: name, writable: true, configurable: true });
  shareClass(name, Class);
}
