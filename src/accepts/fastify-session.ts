import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { STORED, checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie, StoreAcceptOptions } from "./accepted-cookie.ts";
import { readExpressRecord } from "./express-session.ts";
import { mac, percentDecode } from "./cookie-value.ts";

/** The options of the old `fastify.register(fastifySession, { … })`. */
export interface FastifySessionOptions extends StoreAcceptOptions {
  /** Its `secret`; any of several may have signed. */
  secret: SecretKey | readonly SecretKey[];
  /** Its `algorithm`. Default `"sha256"`. */
  algorithm?: string;
  /** Its `cookiePrefix`. Default none. */
  cookiePrefix?: string;
}

/**
 * Reads the cookie of @fastify/session: a signed session id (default name `sessionId`).
 *
 * @throws ConfigError without a secret, or for an unknown hash
 *
 * @example
 * ```ts
 * import { fastifySession } from "hipflask/accepts";
 *
 * const old = fastifySession({ secret: "cNaoPYAwF60HZJzkcNaoPYAwF60HZJzk" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function fastifySession(options: FastifySessionOptions): AcceptedCookie {
  checkReader("fastifySession", options, ["secret", "algorithm", "cookiePrefix", ...STORED]);
  const { cookieName = "sessionId", cookiePrefix = "", algorithm = "sha256" } = options;
  const signature = mac("secret", options.secret, { digest: algorithm });
  return acceptedCookie(
    {
      name: "@fastify/session",
      cookieName,
      read(cookies) {
        const text = cookies.get(cookieName);
        if (text === undefined) return "missing";
        const value = percentDecode(text);
        if (!value?.startsWith(cookiePrefix)) return "bad_shape";
        const id = signature.unsign(value.slice(cookiePrefix.length));
        return id ? { kind: "id", id } : "bad_signature";
      },
      readRecord: readExpressRecord,
    },
    options,
  );
}
