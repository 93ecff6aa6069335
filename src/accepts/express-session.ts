import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { STORED, checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type {
  AcceptContext,
  AcceptedContent,
  AcceptedCookie,
  AcceptRefusal,
  StoreAcceptOptions,
} from "./accepted-cookie.ts";
import { mac, percentDecode, unsignExpressValue } from "./cookie-value.ts";
import { isRecord, without } from "./plain-json.ts";

/** The options of the old `session({ … })`. */
export interface ExpressSessionOptions extends StoreAcceptOptions {
  /** Its `secret`; any of several may have signed. */
  secret: SecretKey | readonly SecretKey[];
}

/**
 * Reads the cookie of express-session: a signed session id (default name `connect.sid`).
 *
 * @throws ConfigError without a secret
 *
 * @example
 * ```ts
 * import { expressSession } from "hipflask/accepts";
 *
 * const old = expressSession({ secret: "keyboard cat", until: "2027-01-31" });
 * console.log(old.decode(new Map([["connect.sid", "s%3Aforged.AAAA"]]), { now: Date.now() }));
 * // { ok: false, reason: 'bad_signature' }
 * ```
 */
export function expressSession(options: ExpressSessionOptions): AcceptedCookie {
  checkReader("expressSession", options, ["secret", ...STORED]);
  const { cookieName = "connect.sid" } = options;
  const signature = mac("secret", options.secret);
  return acceptedCookie(
    {
      name: "express-session",
      cookieName,
      read(cookies) {
        const text = cookies.get(cookieName);
        if (text === undefined) return "missing";
        const value = unsignExpressValue(percentDecode(text), signature);
        if (typeof value === "string") return value;
        return value.text === "" ? "bad_signature" : { kind: "id", id: value.text };
      },
      readRecord: readExpressRecord,
    },
    options,
  );
}

/** A record of a store of express-session: the data, and the `cookie` with its expiry. */
export function readExpressRecord(record: unknown, context: AcceptContext): AcceptedContent | AcceptRefusal {
  if (!isRecord(record)) return "bad_shape";
  const { cookie } = record;
  if (!isRecord(cookie)) return "bad_shape";
  const { expires, originalMaxAge } = cookie;
  if (expires !== null && expires !== undefined && expires !== false) {
    // NaN, for an invalid date, is not after now either.
    if (!(new Date(expires as string | number | Date).getTime() > context.now)) return "expired";
  }
  // Without a maxAge the old cookie ended with the browser.
  const permanent = typeof originalMaxAge === "number" || Boolean(expires);
  return { kind: "data", data: without(record, "cookie"), ...(permanent && { permanent }) };
}
