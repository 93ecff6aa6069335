import { checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie } from "./accepted-cookie.ts";
import { unsealFe26 } from "./fe26.ts";
import { ironPasswords } from "./iron-session.ts";
import type { IronSessionOptions } from "./iron-session.ts";
import { isRecord } from "./plain-json.ts";

/** The options of the old `withIronSession(…, { … })`. */
export type NextIronSessionOptions = Omit<IronSessionOptions, "anyMarker">;

/**
 * Reads the cookie of next-iron-session 4, the predecessor of iron-session: a sealed envelope around the session.
 *
 * @throws ConfigError without a password or a cookie name
 *
 * @example
 * ```ts
 * import { nextIronSession } from "hipflask/accepts";
 *
 * const old = nextIronSession({
 *   cookieName: "app_session",
 *   password: "complex_password_at_least_32_characters_long",
 * });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function nextIronSession(options: NextIronSessionOptions): AcceptedCookie {
  checkReader("nextIronSession", options, ["password"]);
  const { cookieName } = options;
  const passwords = ironPasswords(options);
  return acceptedCookie(
    {
      name: "next-iron-session-v4",
      cookieName,
      read(cookies, context) {
        const seal = cookies.get(cookieName);
        if (seal === undefined) return "missing";
        const unsealed = unsealFe26(seal, { passwords, iterations: [1] }, context.now);
        if ("refusal" in unsealed) return unsealed.refusal;
        const envelope: unknown = JSON.parse(unsealed.text);
        if (!isRecord(envelope) || !isRecord(envelope.persistent)) return "bad_shape";
        return { kind: "data", data: envelope.persistent, permanent: true };
      },
    },
    options,
  );
}
