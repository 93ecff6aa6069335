import { HipflaskError } from "../errors.ts";
import { withoutHelp } from "../help.ts";
import type { CookieConfig } from "../interfaces/cookie-interface.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { SessionManager } from "../manager/manager.ts";
import type { SessionOptions } from "../manager/options.ts";

/** A finding about a configuration. */
export interface Finding {
  /** Does not work; works but could be safer; information. */
  readonly level: (typeof LEVELS)[number];
  /** Never contains a part of a secret. */
  readonly text: string;
}

/** Worst first. */
export const LEVELS = ["broken", "weak", "note"] as const;

const DAY = 24 * 60 * 60;

/** Words of secrets in documentation, tutorials and password lists. */
const WORDS =
  /dev(?:elopment)?|test(?:ing)?|demo|example|sample|admin|default|hello|world|qwert[yz]|letmein|keyboard|cat|s[e3]cr[e3]t|pass(?:word|phrase)?|session|cookie|app|jwt|token|key|prod(?:uction)?|change|replace|insert|generate|random|string|value|super|very|top|your|my|the|this|here|put|it|me|in|with|to|a|abc|123(?:4(?:5(?:6(?:7(?:8(?:90?)?)?)?)?)?)?/g;

/** All errors and weak settings in the options, not only the first. */
export function examine(options: SessionOptions): Finding[] {
  const { good, faults } = sift(options);
  const config = new SessionManager(good).config;
  return [
    ...faults.map((text): Finding => ({ level: "broken", text })),
    ...examineSecrets({ ...options, isNeeded: options.store === undefined }),
    ...ofCodec(good),
    ...ofCookie(config),
    ...ofLife(good, config),
  ];
}

/**
 * Removes refused options one by one, so that the others can be checked. An option that is refused only because of a later
 * one is tried again after it.
 */
function sift(options: SessionOptions): { good: SessionOptions; faults: string[] } {
  // The secret is checked separately.
  let good: SessionOptions = { secretKey: null };
  // Options of the group are checked one by one as well.
  const { storeOptions, ...others } = { ...options, secretKey: options.secretKey || null };
  const isGroup = typeof storeOptions === "object" && storeOptions !== null && !Array.isArray(storeOptions);
  let left: [name: string, options: object][] = [
    ...single(isGroup ? others : { ...others, ...(storeOptions !== undefined && { storeOptions }) }),
    ...single(isGroup ? storeOptions : {}).map(([name, one]): [string, object] => [
      name,
      { storeOptions: one },
    ]),
  ];
  for (;;) {
    const refused: [entry: [name: string, options: object], fault: string][] = [];
    for (const entry of left) {
      const more = merged(good, entry[1]);
      try {
        void new SessionManager(more);
        good = more;
      } catch (error) {
        const fault =
          error instanceof HipflaskError
            ? withoutHelp(error.message)
            : `"${entry[0]}" cannot be used: ${String(error)}`;
        refused.push([entry, fault]);
      }
    }
    if (refused.length === left.length) return { good, faults: refused.map(([, fault]) => fault) };
    left = refused.map(([entry]) => entry);
  }
}

const single = (options: object) =>
  Object.entries(options).map(([name, value]): [string, object] => [name, { [name]: value as unknown }]);

function merged(good: SessionOptions, more: SessionOptions): SessionOptions {
  const { storeOptions } = more;
  if (storeOptions === undefined || good.storeOptions === undefined) return { ...good, ...more };
  return { ...good, storeOptions: { ...good.storeOptions, ...storeOptions } };
}

/** Secrets in options or variables. */
interface Secrets extends Pick<SessionOptions, "secretKey" | "secretKeyFallbacks"> {
  /** Writes fail without one. */
  readonly isNeeded: boolean;
}

/** Checks the secrets. @param names of the options or variables */
export function* examineSecrets(
  { secretKey, secretKeyFallbacks, isNeeded }: Secrets,
  names: { readonly secretKey: string } = { secretKey: "secretKey" },
): Generator<Finding> {
  if (sizeOf(secretKey) === 0) {
    const level = isNeeded ? "broken" : "note";
    yield { level, text: `${names.secretKey} is not set: sessions can be read, as empty, and never written` };
  } else yield* ofSecret(names.secretKey, secretKey!);
  if (!Array.isArray(secretKeyFallbacks)) return;
  for (const [index, key] of (secretKeyFallbacks as SecretKey[]).entries())
    yield* ofSecret(`secretKeyFallbacks[${index}], which still verifies cookies,`, key);
}

function* ofSecret(name: string, key: SecretKey): Generator<Finding> {
  const bytes = sizeOf(key);
  if (typeof key === "string" && isGuessable(key)) {
    const text = `${name} is easy to guess, and anyone who guesses it can forge sessions: npx hipflask keygen`;
    yield { level: "broken", text };
  } else if (bytes < 32) {
    yield {
      level: "weak",
      text: `${name} has ${bytes} bytes; 32 random ones cannot be guessed: npx hipflask keygen`,
    };
  }
}

function isGuessable(key: string): boolean {
  const text = key.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const rest = text.replaceAll(WORDS, "");
  return text !== "" && (/^\d{0,4}$/.test(rest) || /^(.)\1*$/.test(text));
}

function* ofCodec({ codec, hardened, store }: SessionOptions): Generator<Finding> {
  if (store !== undefined || hardened || (codec !== undefined && codec !== "flask")) return;
  yield {
    level: "weak",
    text: 'the cookie is signed, not encrypted: visitors can read their session; codec: "sealed"',
  };
  yield {
    level: "weak",
    text: 'signatures are HMAC-SHA-1, Flask\'s wire format; codec: flaskCodec({ secretKey, digest: "sha256" }) where both sides can be changed',
  };
}

function* ofCookie(config: CookieConfig): Generator<Finding> {
  const { cookieName, cookieDomain, cookieSecure, cookieSameSite, cookiePartitioned, cookiePath } = config;
  const isSecure = cookieSecure || cookiePartitioned;
  if (/^__(Secure|Host)-/i.test(cookieName) && !isSecure)
    yield { level: "broken", text: `the name "${cookieName}" needs cookieSecure: browsers drop the cookie` };
  if (/^__Host-/i.test(cookieName) && (cookieDomain !== undefined || cookiePath !== "/"))
    yield {
      level: "broken",
      text: `the name "${cookieName}" allows no cookieDomain and no cookiePath but "/"`,
    };
  if (!isSecure)
    yield { level: "weak", text: "cookieSecure is off: the cookie is also sent over plain HTTP" };
  if (cookieSameSite === undefined)
    yield {
      level: "weak",
      text: 'cookieSameSite is not set, and browsers differ in the default; "Lax" is safe',
    };
  if (cookieSameSite === "None")
    yield {
      level: "weak",
      text: "cookieSameSite is None: every site can send requests with the visitor's session",
    };
  if (!config.cookieHttpOnly)
    yield { level: "weak", text: "cookieHttpOnly is off: scripts can read the cookie" };
  if (cookieDomain !== undefined)
    yield {
      level: "weak",
      text: "cookieDomain is set: every subdomain receives the cookie and can replace it",
    };
  else if (!/^__Host-/i.test(cookieName))
    yield { level: "note", text: 'a name with "__Host-" keeps other subdomains from planting a cookie' };
  if (!config.cacheControl)
    yield {
      level: "weak",
      text: "cacheControl is off: shared caches may store responses with a session cookie",
    };
}

function* ofLife(
  options: SessionOptions,
  { lifetime, refreshEachRequest }: CookieConfig,
): Generator<Finding> {
  if (lifetime > 31 * DAY)
    yield {
      level: "weak",
      text: `lifetime is ${Math.round(lifetime / DAY)} days; a stolen cookie is valid for as long`,
    };
  if (options.store === undefined && Object.keys(options.storeOptions ?? {}).length > 0)
    yield { level: "weak", text: "storeOptions have no effect without a store" };
  if (options.store === undefined)
    yield {
      level: "note",
      text: "without a store, a copied cookie stays valid after a logout, until its lifetime ends",
    };
  else if ((options.storeOptions?.absoluteTimeout ?? null) === null && !options.hardened)
    yield { level: "weak", text: "storeOptions.absoluteTimeout is not set: a session in use never ends" };
  if (refreshEachRequest && (options.refreshAfter ?? 0) === 0)
    yield {
      level: "note",
      text: "permanent sessions are written at each request; refreshAfter reduces that",
    };
}

function sizeOf(key: SessionOptions["secretKey"]): number {
  if (key === undefined || key === null) return 0;
  return typeof key === "string" ? Buffer.byteLength(key) : key.byteLength;
}
