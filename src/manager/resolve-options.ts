import type { Codec } from "../codecs/codec.ts";
import { flaskCodec } from "../codecs/flask.ts";
import { sealedCodec } from "../codecs/sealed.ts";
import { checkCookieSettings } from "../http/cookie-settings.ts";
import { crossOriginProtection } from "../http/cross-origin.ts";
import { ConfigError } from "../errors.ts";
import type { SecureCookieConfig } from "../interfaces/secure-cookie.ts";
import type { SessionRequest } from "../interfaces/session-interface.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { DEFAULT_LIFETIME } from "../interfaces/cookie-interface.ts";
import { checkNumber, checkSeconds, LONGEST_WAIT, oneOf } from "../check-options.ts";
import { didYouMean } from "../did-you-mean.ts";
import type { ClearSiteDataType, SessionOptions } from "./options.ts";
import type { StoreOptions } from "./store-options.ts";
import { schemaMismatchOf } from "../session/schema.ts";

type Kind = "boolean" | "seconds" | "bytes" | "sessions" | "string" | "function" | "object" | "any";

/** Kinds that are numbers. */
const UNITS: ReadonlySet<Kind> = new Set(["seconds", "bytes", "sessions"]);

const KINDS: Record<keyof SessionOptions, Kind> = {
  secretKey: "any",
  secretKeyFallbacks: "any",
  cookieName: "string",
  cookieDomain: "string",
  cookiePath: "string",
  cookieHttpOnly: "boolean",
  cookieSecure: "any",
  cookieSameSite: "string",
  cookiePartitioned: "boolean",
  lifetime: "seconds",
  refreshEachRequest: "boolean",
  refreshAfter: "seconds",
  maxCookieSize: "bytes",
  oversize: "string",
  codec: "any",
  json: "any",
  schema: "any",
  trackNested: "boolean",
  cacheControl: "boolean",
  clearSiteData: "any",
  crossOriginProtection: "any",
  hardened: "boolean",
  sessionInterface: "any",
  accepts: "any",
  store: "any",
  storeOptions: "object",
  onRefused: "function",
  onOversize: "function",
  now: "function",
};

const STORE_KINDS: Record<keyof StoreOptions, Kind> = {
  lazy: "boolean",
  idleTimeout: "seconds",
  anonymousTimeout: "seconds",
  absoluteTimeout: "seconds",
  touchEvery: "seconds",
  rotateAfter: "seconds",
  rotationGrace: "seconds",
  reusedTokens: "string",
  maxPerOwner: "sessions",
  ownerOverflow: "string",
  device: "function",
  keepAtLogin: "any",
  lostWrites: "string",
  saveOnError: "boolean",
  recordLimits: "any",
  storeTimeout: "seconds",
  sweepEvery: "seconds",
  allowNonAtomicStore: "boolean",
};

/** Durations that are never as long as those of a session, in seconds. */
const MOST_OF: Record<string, number> = { storeTimeout: LONGEST_WAIT, rotationGrace: 24 * 60 * 60 };

const CLEARABLE: readonly ClearSiteDataType[] = [
  "cache",
  "clientHints",
  "cookies",
  "executionContexts",
  "storage",
  "*",
];

/** Option names of other libraries, and what to write instead. */
const MEANT: Record<string, string> = {
  onError: "sessions(options, { onError }): it is an option of the framework's adapter",
  origins: "sessions(options, { origins }): it is an option of the framework's adapter",
  secret: "secretKey",
  secrets: "secretKey and secretKeyFallbacks",
  keys: "secretKey and secretKeyFallbacks",
  password: "secretKey",
  name: "cookieName",
  key: "secretKey, or cookieName for the cookie's name",
  cookie: "cookieName, cookieSecure, cookieSameSite, …",
  cookieOptions: "cookieName, cookieSecure, cookieSameSite, …",
  domain: "cookieDomain",
  path: "cookiePath",
  secure: "cookieSecure",
  httpOnly: "cookieHttpOnly",
  sameSite: "cookieSameSite",
  partitioned: "cookiePartitioned",
  maxAge: "lifetime (in seconds) and session.permanent",
  ttl: "lifetime (in seconds)",
  permanentSessionLifetime: "lifetime (in seconds)",
  rolling: "refreshEachRequest",
  resave: "nothing: only what changed is saved",
  saveUninitialized: "nothing: an empty session is never saved",
  unset: "nothing: session.destroy() ends a session",
  genid: "nothing: session ids are random",
  generateId: "nothing: session ids are random",
  idGenerator: "nothing: session ids are random",
  proxy:
    'cookieSecure: "auto", and let the framework trust the proxy, as by app.set("trust proxy", 1) in Express',
  signed: "nothing: cookies are always signed",
  overwrite: "nothing: a response has one cookie per name",
  expires: "lifetime (in seconds) and session.permanent",
  renew: "refreshEachRequest",
  prefix: "the prefix into the options of the store",
  ...Object.fromEntries(
    ["salt", "digest", "keyDerivation", "compress", "maxInflatedSize"].map((name) => [
      name,
      `codec: flaskCodec({ secretKey, ${name}: … })`,
    ]),
  ),
  ...Object.fromEntries(Object.keys(STORE_KINDS).map((name) => [name, `storeOptions: { ${name}: … }`])),
};

/**
 * Checks options and adds Flask's defaults. `sessions({ … })` does this; call it to construct a
 * `SecureCookieSessionInterface` of your own.
 *
 * @throws ConfigError for an unknown option, a wrong type or contradictory values; the message says what to write instead
 * @example
 * ```ts
 * import { resolveOptions } from "hipflask";
 * console.log(resolveOptions({ secretKey: "dev" }).lifetime); // 2678400
 * ```
 */
export function resolveOptions(options: SessionOptions): SecureCookieConfig {
  checkKinds(options, KINDS);
  checkKinds(options.storeOptions ?? {}, STORE_KINDS, "storeOptions");
  const hardened = options.hardened ?? false;
  const json = options.json ?? new TaggedJSONSerializer();
  const config: SecureCookieConfig = {
    ...checkCookieSettings(
      {
        cookieName: options.cookieName ?? (hardened ? "__Host-Http-session" : "session"),
        cookieDomain: options.cookieDomain,
        cookiePath: options.cookiePath === undefined ? "/" : options.cookiePath,
        cookieHttpOnly: options.cookieHttpOnly ?? true,
        cookieSecure: options.cookieSecure ?? hardened,
        cookieSameSite: options.cookieSameSite ?? (hardened ? "Lax" : null),
        cookiePartitioned: options.cookiePartitioned ?? false,
      },
      (setting) => `"${setting}"`,
    ),
    lifetime: checkLifetime(options.lifetime ?? DEFAULT_LIFETIME),
    refreshEachRequest: options.refreshEachRequest ?? true,
    refreshAfter: options.refreshAfter ?? 0,
    maxCookieSize: options.maxCookieSize ?? 4093,
    oversize: oneOf("oversize", options.oversize ?? (hardened ? "throw" : "warn"), ["warn", "throw"]),
    cacheControl: options.cacheControl ?? true,
    schemaMismatch: options.schema ? schemaMismatchOf(options.schema, json) : undefined,
    clearSiteData: resolveClearSiteData(options.clearSiteData ?? false),
    trackNested: options.trackNested ?? true,
    now: options.now ?? systemClock,
    onRefused: options.onRefused,
    // oxlint-disable-next-line no-console -- Flask warns as well
    onOversize: options.onOversize ?? ((error) => console.warn(error.message)),
    json,
    codec: resolveCodec(options, json, hardened),
  };
  if (hardened) checkHardened(config);
  return config;
}

function resolveCodec(options: SessionOptions, json: TaggedJSONSerializer, hardened: boolean): Codec | null {
  const { secretKey, secretKeyFallbacks, codec = hardened ? "sealed" : "flask" } = options;
  if (typeof codec === "object") return codec;
  const name = oneOf("codec", codec, ["flask", "sealed"]);
  if (secretKey === undefined || secretKey === null || secretKey.length === 0) return null;
  const keys = { secretKey, secretKeyFallbacks: secretKeyFallbacks ?? [], json };
  if (name === "sealed") return sealedCodec(keys);
  if (hardened)
    throw new ConfigError('"hardened" seals the cookie; leave out codec: "flask", or leave out "hardened".');
  return flaskCodec(keys);
}

/** The check of the option `crossOriginProtection`; `undefined` for none. @throws ConfigError */
export function resolveCrossOrigin({
  crossOriginProtection: given,
  hardened = false,
}: SessionOptions): ((request: SessionRequest) => void) | undefined {
  if (given === false && hardened) {
    throw new ConfigError(
      'With "hardened", crossOriginProtection must not be false; allow requests with { trustedOrigins: […] } or { exempt }.',
    );
  }
  if (given !== undefined && typeof given !== "boolean" && (typeof given !== "object" || given === null))
    throw new ConfigError('"crossOriginProtection" must be true, false or { trustedOrigins: […], exempt }.');
  const isOn = given ?? hardened;
  return isOn === false ? undefined : crossOriginProtection(isOn === true ? {} : isOn);
}

function checkKinds(options: object, kinds: Readonly<Record<string, Kind>>, group?: "storeOptions"): void {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (!Object.hasOwn(kinds, name)) throw unknownOption(name, kinds, group);
    if (value === undefined || value === null) continue;
    const kind = kinds[name]!;
    // The message omits the value, which may be a secret under the wrong name.
    const isNumber = UNITS.has(kind);
    const type = isNumber ? "number" : kind;
    if (type !== "any" && (typeof value !== type || Array.isArray(value))) {
      const found = Array.isArray(value) ? "list" : typeof value;
      throw new ConfigError(
        `"${name}" must be ${type === "object" ? "an" : "a"} ${type}${isNumber ? ` of ${kind}` : ""}, and it is a ${found}.`,
      );
    }
    if (kind === "seconds") checkSeconds(name, value, MOST_OF[name]);
    else if (isNumber) checkNumber(name, value, 0, ` of ${kind}`);
  }
}

function unknownOption(name: string, kinds: object, group?: string): ConfigError {
  if (/^[A-Z_]+$/.test(name)) {
    return new ConfigError(
      `"${name}" is a setting of Flask; write sessions(optionsFromFlask({ ${name}: … })).`,
    );
  }
  if (group !== undefined && Object.hasOwn(KINDS, name))
    return new ConfigError(`"${name}" is an option beside "${group}", not in it.`);
  if (group === undefined && Object.hasOwn(MEANT, name))
    return new ConfigError(`There is no option "${name}". Write ${MEANT[name]}.`);
  const place = group === undefined ? "" : ` in "${group}"`;
  const known =
    group === undefined ? [...Object.keys(kinds), ...Object.keys(STORE_KINDS)] : Object.keys(kinds);
  return new ConfigError(`There is no option "${name}"${place}.${didYouMean(name, known)}`);
}

function checkLifetime(lifetime: number): number {
  if (lifetime > 0) return lifetime;
  throw new ConfigError(
    '"lifetime" must be greater than 0 seconds. For a cookie that ends with the browser leave session.permanent false.',
  );
}

function resolveClearSiteData(given: boolean | readonly ClearSiteDataType[]): string | undefined {
  if (given === false) return undefined;
  const types = given === true ? ["storage"] : [given].flat();
  return types.map((type) => `"${oneOf("clearSiteData", type, CLEARABLE)}"`).join(", ") || undefined;
}

/** RFC 6265bis §4.1.3: requirements of a `__Host-` cookie, without which browsers drop it. */
function checkHardened(config: SecureCookieConfig): void {
  const contradictions = [
    !config.cookieName.startsWith("__Host-") && 'cookieName must start with "__Host-"',
    config.cookieDomain !== undefined && "cookieDomain must be left out",
    config.cookiePath !== "/" && 'cookiePath must be "/"',
    config.cookieSecure !== true && `cookieSecure must not be ${JSON.stringify(config.cookieSecure)}`,
    !config.cookieHttpOnly && "cookieHttpOnly must not be false",
  ].filter((text) => text !== false);
  if (contradictions.length > 0) throw new ConfigError(`With "hardened", ${contradictions.join(" and ")}.`);
}
