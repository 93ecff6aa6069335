import { checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie } from "./accepted-cookie.ts";
import { KEYGRIP, keygripReader } from "./keygrip.ts";
import type { KeygripOptions } from "./keygrip.ts";
import { dataFromJSON, textFromBase64 } from "./plain-json.ts";

/** The options of the old `cookieSession({ … })`. */
export type CookieSessionOptions = KeygripOptions;

/**
 * Reads the cookies of cookie-session: the data as JSON (default name `session`) and its signature (`session.sig`).
 *
 * The format has no expiry: a copied cookie is valid for as long as it is read, so set `until`.
 *
 * @throws ConfigError without keys, unless `signed` is `false`
 *
 * @example
 * ```ts
 * import { cookieSession } from "hipflask/accepts";
 *
 * const old = cookieSession({ keys: ["key1"], until: "2027-01-31" });
 * const cookies = new Map([["session", "eyJ2aWV3cyI6MX0="], ["session.sig", "DJaPtrG-tmTnVr33fOWXqWGnVlw"]]);
 * console.log(old.decode(cookies, { now: Date.UTC(2026, 0, 1) }));
 * // { ok: true, cookieNames: [ 'session', 'session.sig' ], kind: 'data', data: { views: 1 } }
 * ```
 */
export function cookieSession(options: CookieSessionOptions): AcceptedCookie {
  checkReader("cookieSession", options, KEYGRIP);
  const { cookieName = "session" } = options;
  const signedValue = keygripReader(cookieName, options);
  return acceptedCookie(
    {
      name: "cookie-session",
      cookieName,
      read(cookies) {
        const signed = signedValue(cookies);
        return "refusal" in signed ? signed.refusal : dataFromJSON(textFromBase64(signed.value));
      },
    },
    options,
  );
}
