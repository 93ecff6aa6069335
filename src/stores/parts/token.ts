import { createHmac, hash, timingSafeEqual, type KeyObject } from "node:crypto";
import { pooledRandom } from "./random.ts";

/** The parts of the token that a client holds. The selector may be shown and logged; the verifier never leaves the request. */
export interface Token {
  /** Public name of the session: 96 random bits in base64url. */
  readonly selector: string;
  /** Secret: 256 random bits in base64url. */
  readonly verifier: string;
  /** All that a store sees of the verifier: its SHA-256 in base64url. */
  readonly verifierHash: string;
}

const SELECTOR_BYTES = 12;
const VERIFIER_BYTES = 32;
const TOKEN_LENGTH = 60;
/** 16 characters, a dot and 43 whose last one has no spare bits set, so that every token has one spelling. */
const TOKEN = /^[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/**
 * A fresh token from the platform's CSPRNG.
 *
 * @throws whatever the random source throws; there is no fallback (SEC-1).
 */
export function newToken(random: (bytes: number) => Buffer = pooledRandom): Token {
  return withHash(random(SELECTOR_BYTES).toString("base64url"), random(VERIFIER_BYTES).toString("base64url"));
}

/**
 * A fresh verifier for the same session, for a rotation that the old verifier must not survive.
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
 * The token in `text`; `undefined` unless `text` is exactly what {@link formatToken} writes. Takes bounded time
 * whatever the length, and never throws (SEC-4).
 */
export function parseToken(text: string): Token | undefined {
  if (text.length !== TOKEN_LENGTH || !TOKEN.test(text)) return undefined;
  return withHash(text.slice(0, 16), text.slice(17));
}

/**
 * The token that follows `token` in a periodic rotation: HMAC-SHA-256 of the old verifier under a key that only the
 * servers know. Parallel requests, and a client that missed the response, arrive at the same successor; a reader of the
 * store does not (SEC-24).
 */
export function successorOf(token: Token, serverKey: KeyObject): Token {
  const verifier = createHmac("sha256", serverKey)
    .update(`hipflask rotation\0${token.selector}.${token.verifier}`)
    .digest("base64url");
  return withHash(token.selector, verifier);
}

/** What a presented verifier is to a record. */
export type VerifierStatus =
  | "current"
  /** Replaced, and still good for the rest of its grace. */
  | "previous"
  /** Replaced, and its grace period is over: an old token was kept. */
  | "replaced"
  | "unknown";

/** What a record says of its verifiers. */
export interface Verifiers {
  /** SHA-256 of the verifier in base64url. */
  readonly verifierHash: string;
  /** The verifier before the last rotation, good until `previousUntil`; afterwards it is evidence of a stolen token. */
  readonly previousHash: string | null;
  readonly previousUntil: number;
}

/** What {@link checkVerifier} found. */
export interface VerifierCheck {
  readonly status: VerifierStatus;
  /** The token that is current now, where it follows from the presented one by periodic rotations; else the presented one. */
  readonly token: Token;
  /** Periodic rotations between the two; `undefined` if the current token came from a login or from `regenerate`. */
  readonly rotations: number | undefined;
}

/** Rotations that are followed by default, at 4 µs each. */
const MAX_ROTATIONS = 64;

/**
 * Judges a presented verifier at the store's time `now` (epoch milliseconds), in time that does not depend on how much
 * of it is right (SEC-3). A token that was replaced several rotations ago is recognized, since each token leads to the next.
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
