import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie, AcceptOptions } from "./accepted-cookie.ts";
import { joinChunks } from "./chunks.ts";
import { hkdfKeys, openJwe } from "./jwe.ts";
import type { JweOptions } from "./jwe.ts";
import { without } from "./plain-json.ts";

/** The options of the old Auth.js or NextAuth.js. */
export interface AuthjsOptions extends AcceptOptions {
  /** Its `secret` (`AUTH_SECRET`, `NEXTAUTH_SECRET`); any of several may have been used. */
  secret: SecretKey | readonly SecretKey[];
}

/** Seconds, as in both libraries. */
const CLOCK_TOLERANCE = 15;
/** Long tokens are split over `name.0`, `name.1`, …; a request has no room for more. */
const MAX_CHUNKS = 16;

/**
 * Reads the session token of Auth.js 5 with its JWT strategy (default name `authjs.session-token`; over HTTPS it is
 * `__Secure-authjs.session-token`). The name is part of the key.
 *
 * @throws ConfigError without a secret
 *
 * @example
 * ```ts
 * import { authjs } from "hipflask/accepts";
 *
 * const old = authjs({ secret: "the AUTH_SECRET", cookieName: "__Secure-authjs.session-token" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function authjs(options: AuthjsOptions): AcceptedCookie {
  checkReader("authjs", options, ["secret"]);
  const { cookieName = "authjs.session-token", secret } = options;
  const info = `Auth.js Generated Encryption Key (${cookieName})`;
  const keys = hkdfKeys("secret", secret, { salt: cookieName, info, length: 64 });
  return tokenCookie(
    "authjs-jwe",
    cookieName,
    { encryption: "A256CBC-HS512", keys, clockTolerance: CLOCK_TOLERANCE },
    options,
  );
}

/**
 * Reads the session token of NextAuth.js 4 with its JWT strategy (default name `next-auth.session-token`; over HTTPS it
 * is `__Secure-next-auth.session-token`).
 *
 * @throws ConfigError without a secret
 *
 * @example
 * ```ts
 * import { nextAuth } from "hipflask/accepts";
 *
 * const old = nextAuth({ secret: "the NEXTAUTH_SECRET", cookieName: "__Secure-next-auth.session-token" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function nextAuth(options: AuthjsOptions): AcceptedCookie {
  checkReader("nextAuth", options, ["secret"]);
  const { cookieName = "next-auth.session-token", secret } = options;
  const keys = hkdfKeys("secret", secret, {
    salt: "",
    info: "NextAuth.js Generated Encryption Key",
    length: 32,
  });
  return tokenCookie(
    "next-auth-v4-jwe",
    cookieName,
    { encryption: "A256GCM", keys, clockTolerance: CLOCK_TOLERANCE },
    options,
  );
}

function tokenCookie(
  name: string,
  cookieName: string,
  jwe: JweOptions,
  options: AcceptOptions,
): AcceptedCookie {
  return acceptedCookie(
    {
      name,
      cookieName,
      read(cookies, context) {
        const token = cookies.get(cookieName) ?? joinChunks(cookies, cookieName, MAX_CHUNKS);
        if (token === undefined) return "missing";
        const opened = openJwe(token, jwe, context.now);
        if ("refusal" in opened) return opened.refusal;
        return { kind: "data", data: without(opened.claims, "iat", "exp", "jti"), permanent: true };
      },
    },
    options,
  );
}
