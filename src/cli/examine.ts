import { ConfigError } from "../errors.ts";
import type { SecureCookieConfig } from "../interfaces/secure-cookie.ts";
import type { SessionOptions } from "../manager/options.ts";
import { resolveOptions } from "../manager/resolve-options.ts";

/** Something worth knowing about a configuration. */
export interface Finding {
  /** It does not work; it works and could be safer; it is good to know. */
  readonly level: "broken" | "soft" | "note";
  /** Never a secret or a part of one. */
  readonly text: string;
}

const DAY = 24 * 60 * 60;
const GUESSED = /^(dev|development|test|secret|secret[-_ ]?key|change[-_ ]?me|password|your[-_ ]secret.*)$/i;

/** What is broken or soft in these options, worst first. */
export function examine(options: SessionOptions): Finding[] {
  let config: SecureCookieConfig;
  try {
    config = resolveOptions(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [{ level: "broken", text: error.message }];
  }
  const findings = [
    ...ofSecrets(options),
    ...ofCodec(options),
    ...ofCookie(config),
    ...ofLife(options, config),
  ];
  return LEVELS.flatMap((level) => findings.filter((finding) => finding.level === level));
}

const LEVELS = ["broken", "soft", "note"] as const;

function* ofSecrets({ secretKey, secretKeyFallbacks, store }: SessionOptions): Generator<Finding> {
  const bytes = sizeOf(secretKey);
  if (bytes === 0) {
    const level = store === undefined ? "broken" : "note";
    yield { level, text: "secretKey is not set: sessions can be read, as empty, and never written" };
  } else if (typeof secretKey === "string" && GUESSED.test(secretKey)) {
    yield {
      level: "soft",
      text: "secretKey is a word that everybody tries first; make one with: hipflask keygen",
    };
  } else if (bytes < 32) {
    yield {
      level: "soft",
      text: `secretKey has ${bytes} bytes; 32 random ones cannot be guessed: hipflask keygen`,
    };
  }
  for (const [index, key] of (secretKeyFallbacks ?? []).entries()) {
    const size = sizeOf(key);
    if (size < 32)
      yield {
        level: "soft",
        text: `secretKeyFallbacks[${index}] has ${size} bytes and still verifies cookies`,
      };
  }
}

function* ofCodec({ codec, hardened, digest, store }: SessionOptions): Generator<Finding> {
  if (store !== undefined || hardened || (codec !== undefined && codec !== "flask")) return;
  yield {
    level: "soft",
    text: 'the cookie is signed, not encrypted: visitors can read their session; codec: "sealed"',
  };
  if (digest === undefined || digest === "sha1")
    yield {
      level: "soft",
      text: 'signatures are HMAC-SHA-1, Flask\'s wire format; digest: "sha256" where both sides can be changed',
    };
}

function* ofCookie(config: SecureCookieConfig): Generator<Finding> {
  const { cookieName, cookieDomain, cookieSecure, cookieSameSite, cookiePartitioned, cookiePath } = config;
  const isSecure = cookieSecure || cookiePartitioned;
  if (cookieSameSite === "None" && !isSecure)
    yield { level: "broken", text: "cookieSameSite is None without cookieSecure: browsers drop the cookie" };
  if (/^__(Secure|Host)-/i.test(cookieName) && !isSecure)
    yield { level: "broken", text: `the name "${cookieName}" needs cookieSecure: browsers drop the cookie` };
  if (/^__Host-/i.test(cookieName) && (cookieDomain !== undefined || cookiePath !== "/"))
    yield {
      level: "broken",
      text: `the name "${cookieName}" allows no cookieDomain and no cookiePath but "/"`,
    };
  if (!isSecure)
    yield { level: "soft", text: "cookieSecure is off: the cookie also travels over plain HTTP" };
  if (cookieSameSite === undefined)
    yield {
      level: "soft",
      text: 'cookieSameSite is not set, and browsers differ in what that means; "Lax" is safe',
    };
  if (cookieSameSite === "None")
    yield {
      level: "soft",
      text: "cookieSameSite is None: every site can send requests with the visitor's session",
    };
  if (!config.cookieHttpOnly)
    yield { level: "soft", text: "cookieHttpOnly is off: scripts can read the cookie" };
  if (cookieDomain !== undefined)
    yield {
      level: "soft",
      text: "cookieDomain is set: every subdomain receives the cookie and can replace it",
    };
  else if (!/^__Host-/i.test(cookieName))
    yield { level: "note", text: 'a name with "__Host-" keeps other subdomains from planting a cookie' };
  if (!config.cacheControl)
    yield {
      level: "soft",
      text: "cacheControl is off: shared caches may keep answers with a session cookie",
    };
}

function* ofLife(
  options: SessionOptions,
  { lifetime, refreshEachRequest }: SecureCookieConfig,
): Generator<Finding> {
  if (lifetime <= 0) yield { level: "broken", text: "lifetime is not positive: no cookie is ever accepted" };
  if (lifetime > 31 * DAY)
    yield {
      level: "soft",
      text: `lifetime is ${Math.round(lifetime / DAY)} days; a stolen cookie is good for as long`,
    };
  if (options.store === undefined)
    yield { level: "note", text: "without a store a logout cannot end a copied cookie before its lifetime" };
  else if ((options.absoluteTimeout ?? null) === null && !options.hardened)
    yield { level: "soft", text: "absoluteTimeout is not set: a session in use never ends" };
  if (refreshEachRequest && (options.refreshAfter ?? 0) === 0)
    yield {
      level: "note",
      text: "permanent sessions are written at each request; refreshAfter makes that rarer",
    };
}

function sizeOf(key: SessionOptions["secretKey"]): number {
  if (key === undefined || key === null) return 0;
  return typeof key === "string" ? Buffer.byteLength(key) : key.byteLength;
}
