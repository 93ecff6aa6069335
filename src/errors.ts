import { otherVersions, shareClass } from "./copies.ts";
import { withHelp } from "./help.ts";

/** Every `code` of this library's errors. Stable, for use in `switch`. */
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
 * The base class of this library's errors. Messages end with a link to the documentation of the error, except Python's own
 * messages.
 *
 * @example
 * ```ts
 * import { HipflaskError } from "hipflask";
 * try { JSON.parse("{"); } catch (error) { if (error instanceof HipflaskError) console.error(error.code); }
 * ```
 */
export class HipflaskError extends Error {
  /** Identifies the error; stable. */
  readonly code: HipflaskErrorCode;
  /** The HTTP status of the response, if it is not 500. */
  readonly status?: number;

  constructor(code: HipflaskErrorCode, message: string, options?: ErrorOptions) {
    super(withHelp(code, message), options);
    this.code = code;
  }
}

/** A token or payload that is not authentic or cannot be decoded. Corresponds to `itsdangerous.BadData`. */
export class BadData extends HipflaskError {
  constructor(message: string, options?: ErrorOptions, code: HipflaskErrorCode = "BAD_DATA") {
    super(code, message, options);
  }
}

/** Options of `BadSignature` and its subclasses. */
export interface SignatureEvidence extends ErrorOptions {
  /** The value without its signature, **not** verified unless the error is a `SignatureExpired`. */
  payload?: string;
  /** The time of signing, if it could be read. */
  dateSigned?: Date;
}

/** The signature is missing or matches no key. Corresponds to `itsdangerous.BadSignature`. */
export class BadSignature extends BadData {
  /** The value whose signature is wrong, for logs and tests. Never trust it. */
  readonly payload: string | undefined;

  constructor(message: string, evidence: SignatureEvidence = {}, code: HipflaskErrorCode = "BAD_SIGNATURE") {
    super(message, evidence, code);
    this.payload = evidence.payload;
  }
}

/** The signature is valid, but its timestamp is missing or malformed. Corresponds to `itsdangerous.BadTimeSignature`. */
export class BadTimeSignature extends BadSignature {
  /** The time of signing, if it could be read. */
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

/** The signature is valid but too old, or from the future. Corresponds to `itsdangerous.SignatureExpired`. */
export class SignatureExpired extends BadTimeSignature {
  constructor(message: string, evidence: SignatureEvidence = {}) {
    super(message, evidence, "SIGNATURE_EXPIRED");
  }
}

/** The header of a signed value is invalid. Corresponds to `itsdangerous.BadHeader`. */
export class BadHeader extends BadSignature {
  constructor(message: string, evidence: SignatureEvidence = {}) {
    super(message, evidence, "BAD_HEADER");
  }
}

/** The signature is valid, but the payload cannot be decoded. Corresponds to `itsdangerous.BadPayload`. */
export class BadPayload extends BadData {
  constructor(message: string, options?: ErrorOptions, code: HipflaskErrorCode = "BAD_PAYLOAD") {
    super(message, options, code);
  }
}

/** A payload that can be decoded, but is not an object. */
export class BadShape extends BadPayload {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options, "BAD_SHAPE");
  }
}

/** An invalid option. Thrown when options are passed, never during a request. */
export class ConfigError extends HipflaskError {
  constructor(message: string, options?: ErrorOptions) {
    super("CONFIG", message, options);
  }
}

/**
 * There is no secret key to sign sessions: thrown at start-up, or at a write if the key is null (Flask: `RuntimeError` of a
 * null session).
 */
export class NoSecretKeyError extends HipflaskError {
  constructor(
    message = "The session is unavailable because no secret key was set. Pass `secretKey` to `sessions({ … })`, a random string kept private.",
  ) {
    super("NO_SECRET_KEY", message);
  }
}

/** `session` was used outside a request (Flask: "Working outside of request context"). */
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
 * `session` was used in the context of another request, so a response may contain another visitor's data, or a session the
 * changes of another visitor's request. The response was not sent, or the session was not saved.
 */
export class ForeignContextError extends HipflaskError {
  constructor(message: string) {
    super("FOREIGN_CONTEXT", message);
  }
}

/** A property was assigned whose name is reserved for the session's own interface. */
export class ReservedNameError extends HipflaskError {
  constructor(name: string) {
    super(
      "RESERVED_NAME",
      `"${name}" is part of the session's own interface; store data of that name with session.set("${name}", value) and read it with session.get("${name}").`,
    );
  }
}

/** A value that cannot be stored in a session: a function, a symbol, a cycle, an instance of an unknown class. */
export class UnserializableError extends HipflaskError {
  readonly #path: string;

  constructor(message: string, path = "", options?: ErrorOptions) {
    super("UNSERIALIZABLE", path === "" ? message : `${message} (${placeOf(path)})`, options);
    this.#path = path;
  }

  /**
   * The path of the value, for example `cart[2].price`; empty for the value itself. Neither messages nor loggers print it,
   * since nested keys may be data: `sessions["ada@example.com"]`.
   */
  get path(): string {
    return this.#path;
  }
}

/** The top-level key of a path. It is a name in the app's code, unlike nested keys, which may be data. */
function placeOf(path: string): string {
  const [key = ""] = /^(?:\["(?:[^"\\]|\\.)*"\]|\[\d+\]|[^.[]*)/.exec(path) ?? [];
  return key === path ? `at ${key}` : `inside ${key}; error.path says where`;
}

/** The session does not fit `schema` after a handler, so the next request would refuse it; nothing was saved. */
export class SchemaError extends HipflaskError {
  readonly #path: string;

  constructor(path: string) {
    const [key = ""] = path.split(".", 1);
    const place = path === "" ? "" : ` ${key === path ? "at" : "inside"} "${key}"`;
    super(
      "SCHEMA",
      `The session does not fit its schema${place}, so it was not saved; the next request would refuse it.`,
    );
    this.#path = path;
  }

  /** Path of the mismatch, for example `cart.2.price`; empty for the whole session. Not in the message: nested keys may be data. */
  get path(): string {
    return this.#path;
  }
}

/** The cookie is longer than `maxCookieSize` and `oversize` is `"throw"`. The message has sizes, never values. */
export class CookieTooLargeError extends HipflaskError {
  /** Length of the whole Set-Cookie header value in bytes. */
  readonly size: number;
  /** The largest top-level keys with the length of their JSON text in bytes, largest first. */
  readonly largest: ReadonlyArray<readonly [key: string, bytes: number]>;

  constructor(message: string, size: number, largest: ReadonlyArray<readonly [key: string, bytes: number]>) {
    super("COOKIE_TOO_LARGE", message);
    this.size = size;
    this.largest = largest;
  }
}

/** The session was changed after the response's headers were sent; the change cannot be saved. */
export class SessionClosedError extends HipflaskError {
  constructor(
    message = "The session was changed after the response's headers were sent; change it before the first byte leaves.",
  ) {
    super("SESSION_CLOSED", message);
  }
}

/** The session was changed where no cookie can be set, so the change cannot be saved. */
export class SessionReadOnlyError extends HipflaskError {
  constructor(message = "The session can only be read here, since no cookie can be set.") {
    super("SESSION_READ_ONLY", message);
  }
}

/** With `lazy`, the session was used before it was loaded. */
export class SessionNotLoadedError extends HipflaskError {
  constructor() {
    super(
      "SESSION_NOT_LOADED",
      "The session was not fetched from its store yet: with `lazy`, call `await loadSession()` before you use it.",
    );
  }
}

/** Why an operation of a store failed. */
export type StoreErrorReason =
  | "unavailable" // the engine cannot be reached or is failing; a later attempt may succeed
  | "timeout" // no reply within the time limit; the operation may or may not have been applied
  | "too-large" // the record would exceed the limits of the store
  | "full" // the store is full
  | "invalid" // the caller passed something that no store can keep
  | "unsupported"; // this store does not support the operation

/**
 * An operation of a session store failed. The message names the operation and the reason, never data; `cause` is the
 * driver's error without the statements and values that drivers attach.
 */
export class StoreError extends HipflaskError {
  readonly reason: StoreErrorReason;
  /** The response's status (RFC 9110 §15.6.4): the visitor may try again later and is still logged in then. */
  override readonly status = 503;
  /** Headers that the adapters add to the response: when to try again, in seconds (RFC 9110 §10.2.3). */
  get headers(): Readonly<Record<string, string>> {
    return { "Retry-After": "5" };
  }

  constructor(reason: StoreErrorReason, message: string, options?: ErrorOptions) {
    super("STORE", message, options);
    this.reason = reason;
  }
}

/** Other requests changed the same field repeatedly, so `transact` gave up. Nothing was written. */
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

/** The session ended, or got another identity, during this request; the change was dropped. */
export class SessionLostError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.10). */
  override readonly status = 409;

  constructor(message = "The session ended while this request was handled, so its changes were not saved.") {
    super("SESSION_LOST", message);
  }
}

/** The owner has `maxPerOwner` live sessions, and `ownerOverflow` is `"refuse"`. */
export class OwnerLimitError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.10). */
  override readonly status = 409;

  constructor() {
    super("OWNER_LIMIT", "The owner has too many sessions already; let them end one and log in again.");
  }
}

/** The visitor is not logged in, or logged in too long ago for this operation; ask them to log in again. */
export class NotFreshError extends HipflaskError {
  /** The response's status (RFC 9110 §15.5.4), unless you redirect to a login page. */
  override readonly status = 403;

  constructor() {
    super("NOT_FRESH", "This needs a login that is more recent; let the visitor log in again.");
  }
}

/** A page of another origin sent this request, or opened this socket, with the visitor's cookies; the session was not opened. */
export class ForeignOriginError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.4). */
  override readonly status = 403;
  /** The `Origin` that the browser sent, for logs; empty if there was none. */
  readonly origin: string;

  constructor(
    origin: string,
    message = "A page of another origin sent this request, so it was refused. If the page is yours, or if a proxy changes the Host header, name its origin: crossOriginProtection: { trustedOrigins: […] }.",
  ) {
    super("FOREIGN_ORIGIN", message);
    this.origin = origin;
  }
}

/** Why a CSRF token was refused. */
export type CsrfErrorReason = "missing" | "no_session" | "expired" | "invalid" | "mismatch";

const CSRF_MESSAGES: Readonly<Record<CsrfErrorReason, string>> = {
  missing: "The CSRF token is missing.",
  no_session: "The CSRF session token is missing.",
  expired: "The CSRF token has expired.",
  invalid: "The CSRF token is invalid.",
  mismatch: "The CSRF tokens do not match.",
};

/** A form had no valid token of this session. Messages are Flask-WTF's. */
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
