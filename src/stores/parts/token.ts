import { createHmac, hash, randomFillSync, timingSafeEqual, type KeyObject } from "node:crypto";

/** The token in a cookie. The selector may be shown and logged; the verifier is never stored or logged. */
export interface Token {
  /** Public id of the session: 96 random bits in base64url. */
  readonly selector: string;
  /** Secret: 256 random bits in base64url. */
  readonly verifier: string;
  /** SHA-256 of the verifier in base64url; the only form of it that is stored. */
  readonly verifierHash: string;
}

const SELECTOR_BYTES = 12;
const VERIFIER_BYTES = 32;
const TOKEN_LENGTH = 60;
/**
 * 16 characters, a dot, and 43 characters of which the last has no unused bits set, so that every token has one
 * spelling.
 */
const TOKEN = /^[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

const SELECTOR = /^[A-Za-z0-9_-]{16}$/;

/** Whether a text has the form of a selector, so that it names no other record of the store: the owners' are there too. */
export function isSelector(text: string): boolean {
  return SELECTOR.test(text);
}

/**
 * A new token from the platform's CSPRNG.
 *
 * @throws whatever the random source throws; there is no fallback (SEC-1).
 */
export function newToken(random: (bytes: number) => Buffer = pooledRandom): Token {
  return withHash(random(SELECTOR_BYTES).toString("base64url"), random(VERIFIER_BYTES).toString("base64url"));
}

/**
 * A new random verifier for the same session, which cannot be derived from the old one.
 */
export function newVerifier(selector: string, random: (bytes: number) => Buffer = pooledRandom): Token {
  return withHash(selector, random(VERIFIER_BYTES).toString("base64url"));
}

/**
 * The token as the text of a cookie: `selector.verifier`.
 */
export function formatToken(token: Token): string {
  return `${token.selector}.${token.verifier}`;
}

/**
 * Parses a token; `undefined` unless `text` is exactly what {@link formatToken} returns. Takes constant time for texts of any
 * other length, and never throws (SEC-4).
 */
export function parseToken(text: string): Token | undefined {
  if (text.length !== TOKEN_LENGTH || !TOKEN.test(text)) return undefined;
  return withHash(text.slice(0, 16), text.slice(17));
}

/**
 * The token that replaces `token` in a periodic rotation: HMAC-SHA-256 of the old verifier with a secret key of the server.
 * Parallel requests compute the same successor, and the server can compute it again for a client that missed the response.
 * It cannot be computed from the content of the store (SEC-24).
 */
export function successorOf(token: Token, serverKey: KeyObject): Token {
  const verifier = createHmac("sha256", serverKey)
    .update(`hipflask rotation\0${token.selector}.${token.verifier}`)
    .digest("base64url");
  return withHash(token.selector, verifier);
}

/** How a presented verifier relates to the record's. */
export type VerifierStatus =
  | "current"
  /** Replaced, and valid for the rest of its grace period. */
  | "previous"
  /** Replaced, and its grace period is over. */
  | "replaced"
  | "unknown";

/** The verifiers in a record. */
export interface Verifiers {
  /** SHA-256 of the verifier in base64url. */
  readonly verifierHash: string;
  /** The verifier before the last rotation, valid until `previousUntil`. Presented later, it is a sign of a stolen token. */
  readonly previousHash: string | null;
  readonly previousUntil: number;
}

/** The result of {@link checkVerifier}. */
export interface VerifierCheck {
  readonly status: VerifierStatus;
  /** The current token, if periodic rotations lead to it from the presented one; otherwise the presented one. */
  readonly token: Token;
  /**
   * The number of periodic rotations between the two; `undefined` if the current token was made by a login or
   * `regenerate`.
   */
  readonly rotations: number | undefined;
}

/** Default limit on the rotations that are computed, at 4 µs each. */
const MAX_ROTATIONS = 64;

/**
 * Checks a presented verifier at the store's time `now` (epoch milliseconds), comparing in constant time (SEC-3). A token that
 * was replaced several rotations ago is recognized, since each token's successor can be computed.
 *
 * @param serverKey what {@link successorOf} was called with; null if there are no periodic rotations
 */
export function checkVerifier(
  record: Verifiers,
  presented: Token,
  now: number,
  serverKey: KeyObject | null,
  most = MAX_ROTATIONS,
): VerifierCheck {
  const { verifierHash, previousHash, previousUntil } = record;
  const isPrevious = previousHash !== null && timingSafeEqualText(previousHash, presented.verifierHash);
  const replaced = isPrevious && now < previousUntil ? "previous" : "replaced";
  if (timingSafeEqualText(verifierHash, presented.verifierHash)) {
    return { status: "current", token: presented, rotations: 0 };
  }
  let wasThere = isPrevious;
  let token = presented;
  if (serverKey === null) most = 0;
  for (let rotations = 1; rotations <= most; rotations++) {
    token = successorOf(token, serverKey!);
    if (timingSafeEqualText(verifierHash, token.verifierHash)) return { status: replaced, token, rotations };
    wasThere ||= previousHash !== null && timingSafeEqualText(previousHash, token.verifierHash);
  }
  return { status: wasThere ? replaced : "unknown", token: presented, rotations: undefined };
}

/**
 * Compares two ASCII texts in constant time; texts of different length are different.
 */
export function timingSafeEqualText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"));
}

function withHash(selector: string, verifier: string): Token {
  return { selector, verifier, verifierHash: hash("sha256", verifier, "base64url") };
}

/** Random bytes are requested 4 KiB at a time, since each system call is slow. */
const pool = Buffer.alloc(4096);
let used = pool.length;

/** Random bytes from the platform, for tokens and commit ids. */
export function pooledRandom(bytes: number): Buffer {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const taken = Buffer.from(pool.subarray(used, used + bytes));
  pool.fill(0, used, used + bytes);
  used += bytes;
  return taken;
}
