import { STORED, checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie, StoreAcceptOptions } from "./accepted-cookie.ts";
import { hkdfKeys, openJwe } from "./jwe.ts";
import { isRecord, without } from "./plain-json.ts";

/** The options of the old `useSession({ … })`. */
export interface HonoSessionOptions extends StoreAcceptOptions {
  /** Its `secret` (`AUTH_SECRET`): a string, or a key of 32 bytes that is used directly. */
  secret: string | Uint8Array;
}

/**
 * Reads the cookie of @hono/session: an encrypted JWT with the data, or with the id of a stored record (name `sid`).
 *
 * @throws ConfigError without a secret
 *
 * @example
 * ```ts
 * import { honoSession } from "hipflask/accepts";
 *
 * const old = honoSession({ secret: "a-secret-that-is-32-bytes-long!!" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function honoSession(options: HonoSessionOptions): AcceptedCookie {
  checkReader("honoSession", options, ["secret", ...STORED]);
  const { cookieName = "sid", secret, store = false } = options;
  const keys =
    typeof secret === "string" || secret?.length !== 32
      ? hkdfKeys("secret", secret, { salt: "", info: "session jwe cek", length: 32 })
      : [secret];
  return acceptedCookie(
    {
      name: "@hono/session",
      cookieName,
      read(cookies, context) {
        const token = cookies.get(cookieName);
        if (token === undefined) return "missing";
        const opened = openJwe(token, { encryption: "A256GCM", keys, clockTolerance: 0 }, context.now);
        if ("refusal" in opened) return opened.refusal;
        const { sid } = opened.claims;
        if (typeof sid !== "string") return "bad_shape";
        if (store) return { kind: "id", id: sid };
        return { kind: "data", data: without(opened.claims, "exp", "iat", "sid"), id: sid };
      },
      readRecord: (record) => (isRecord(record) ? { kind: "data", data: record } : "bad_shape"),
    },
    options,
  );
}
