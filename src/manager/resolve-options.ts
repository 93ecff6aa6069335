import type { Codec } from "../codecs/codec.ts";
import { flaskCodec } from "../codecs/flask.ts";
import { sealedCodec } from "../codecs/sealed.ts";
import { asciiDomain, checkCookieName, toSameSite, type SameSite } from "../http/cookie.ts";
import { ConfigError } from "../errors.ts";
import type { SecureCookieConfig } from "../interfaces/secure-cookie.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { DEFAULT_LIFETIME } from "../interfaces/lifetime.ts";
import type { ClearSiteDataType, SessionOptions } from "./options.ts";
import { misfitOf } from "../session/schema.ts";

type Kind = "boolean" | "number" | "string" | "function" | "any";

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
  lifetime: "number",
  refreshEachRequest: "boolean",
  refreshAfter: "number",
  maxCookieSize: "number",
  oversize: "string",
  codec: "any",
  salt: "string",
  digest: "string",
  keyDerivation: "string",
  compress: "any",
  maxInflatedSize: "number",
  json: "any",
  schema: "any",
  trackNested: "boolean",
  cacheControl: "boolean",
  clearSiteData: "any",
  hardened: "boolean",
  sessionInterface: "any",
  accepts: "any",
  store: "any",
  lazy: "boolean",
  idleTimeout: "number",
  anonymousTimeout: "number",
  absoluteTimeout: "number",
  touchEvery: "number",
  rotateAfter: "number",
  rotationGrace: "number",
  reusedTokens: "string",
  maxPerOwner: "number",
  ownerOverflow: "string",
  device: "function",
  keepAtLogin: "any",
  lostWrites: "string",
  saveOnError: "boolean",
  recordLimits: "any",
  storeTimeout: "number",
  sweepEvery: "number",
  allowNonAtomicStore: "boolean",
  onRefused: "function",
  onOversize: "function",
  now: "function",
};

/** RFC 6265bis §5.5, in seconds. */
const LONGEST_LIFETIME = 400 * 24 * 60 * 60;

const CLEARABLE: readonly ClearSiteDataType[] = [
  "cache",
  "clientHints",
  "cookies",
  "executionContexts",
  "storage",
  "*",
];

/** What people write who come from another library, and what they mean. */
const MEANT: Record<string, string> = {
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
};

/**
 * Checks options and fills in Flask's defaults. `sessions({ … })` does this for you; call it to construct a
 * `SecureCookieSessionInterface` of your own.
 *
 * @throws ConfigError for an unknown option, a wrong type or values that contradict each other; the message says what to write instead
 * @example
 * ```ts
 * import { resolveOptions } from "hipflask";
 * console.log(resolveOptions({ secretKey: "dev" }).lifetime); // 2678400
 * ```
 */
export function resolveOptions(options: SessionOptions): SecureCookieConfig {
  checkKinds(options);
  const hardened = options.hardened ?? false;
  const json = options.json ?? new TaggedJSONSerializer();
  const config: SecureCookieConfig = {
    cookieName: checkCookieName(options.cookieName ?? (hardened ? "__Host-Http-session" : "session")),
    cookieDomain: resolveDomain(options.cookieDomain),
    cookiePath:
      options.cookiePath === null ? undefined : checkNoControls("cookiePath", options.cookiePath ?? "/"),
    cookieHttpOnly: options.cookieHttpOnly ?? true,
    cookieSecure: resolveSecure(options.cookieSecure ?? hardened),
    cookieSameSite: resolveSameSite(options.cookieSameSite ?? (hardened ? "Lax" : null)),
    cookiePartitioned: options.cookiePartitioned ?? false,
    lifetime: options.lifetime ?? DEFAULT_LIFETIME,
    refreshEachRequest: options.refreshEachRequest ?? true,
    refreshAfter: options.refreshAfter ?? 0,
    maxCookieSize: options.maxCookieSize ?? 4093,
    oversize: oneOf("oversize", options.oversize ?? (hardened ? "throw" : "warn"), ["warn", "throw"]),
    cacheControl: options.cacheControl ?? true,
    misfit: options.schema ? misfitOf(options.schema, json) : undefined,
    clearSiteData: resolveClearSiteData(options.clearSiteData ?? false),
    trackNested: options.trackNested ?? true,
    now: options.now ?? Date.now,
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
  const { salt, digest, keyDerivation, compress, maxInflatedSize } = options;
  return flaskCodec(withoutUndefined({ ...keys, salt, digest, keyDerivation, compress, maxInflatedSize }));
}

function checkKinds(options: SessionOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(KINDS, name)) throw unknownOption(name);
    if (value === undefined || value === null) continue;
    const kind = KINDS[name as keyof SessionOptions];
    // The value itself may be a secret that ended up under the wrong name, so it is not repeated.
    if (kind !== "any" && typeof value !== kind) {
      throw new ConfigError(`"${name}" must be a ${kind}, and it is a ${typeof value}.`);
    }
    if (kind === "number" && !Number.isFinite(value))
      throw new ConfigError(`"${name}" must be a finite number.`);
  }
}

function unknownOption(name: string): ConfigError {
  if (/^[A-Z_]+$/.test(name)) {
    return new ConfigError(
      `"${name}" is a setting of Flask; write sessions(optionsFromFlask({ ${name}: … })).`,
    );
  }
  const meant = Object.hasOwn(MEANT, name) ? ` Write ${MEANT[name]}.` : "";
  return new ConfigError(`There is no option "${name}".${meant}`);
}

function resolveDomain(domain: string | undefined): string | undefined {
  if (domain === undefined || domain === "") return undefined;
  const host = asciiDomain(checkNoControls("cookieDomain", domain));
  if (host === "") throw new ConfigError('"cookieDomain" is not a domain name; write "example.com".');
  return domain;
}

function resolveSameSite(word: string | null): SameSite | undefined {
  if (word === null) return undefined;
  const sameSite = toSameSite(word);
  if (sameSite === undefined)
    throw new ConfigError('"cookieSameSite" must be "Strict", "Lax" or "None", or left out.');
  return sameSite;
}

function resolveSecure(given: unknown): boolean | "auto" {
  if (typeof given === "boolean" || given === "auto") return given;
  throw new ConfigError('"cookieSecure" must be true, false or "auto".');
}

function resolveClearSiteData(given: boolean | readonly ClearSiteDataType[]): string | undefined {
  if (given === false) return undefined;
  const types = given === true ? ["storage"] : [given].flat();
  return types.map((type) => `"${oneOf("clearSiteData", type, CLEARABLE)}"`).join(", ") || undefined;
}

/** RFC 6265bis §4.1.3: what a `__Host-` cookie must be, or browsers drop it. */
function checkHardened(config: SecureCookieConfig): void {
  const contradictions = [
    !config.cookieName.startsWith("__Host-") && 'cookieName must start with "__Host-"',
    config.cookieDomain !== undefined && "cookieDomain must be left out",
    config.cookiePath !== "/" && 'cookiePath must be "/"',
    config.cookieSecure !== true && `cookieSecure must not be ${JSON.stringify(config.cookieSecure)}`,
    !config.cookieHttpOnly && "cookieHttpOnly must not be false",
    config.lifetime > LONGEST_LIFETIME &&
      "lifetime must be at most 400 days, which is all that browsers keep",
  ].filter((text) => text !== false);
  if (contradictions.length > 0) throw new ConfigError(`With "hardened", ${contradictions.join(" and ")}.`);
}

/** RFC 6265 §4.1.1: no attribute may hold a control character or a semicolon. */
function checkNoControls(name: string, value: string): string {
  if (Buffer.byteLength(value) > 1024)
    throw new ConfigError(`"${name}" must be at most 1024 bytes, or browsers ignore it.`);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(value) || (name === "cookieDomain" && value.includes(";"))) {
    throw new ConfigError(`"${name}" must hold no control characters and no ";".`);
  }
  return value;
}

export function oneOf<Word extends string>(name: string, value: unknown, words: readonly Word[]): Word {
  const word = words.find((known) => known === value);
  if (word === undefined)
    throw new ConfigError(`"${name}" must be ${words.map((known) => `"${known}"`).join(" or ")}.`);
  return word;
}

function withoutUndefined<Options extends object>(
  options: Options,
): { [Key in keyof Options]: Exclude<Options[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
