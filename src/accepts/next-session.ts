import { STORED, checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie, StoreAcceptOptions } from "./accepted-cookie.ts";
import { percentDecode } from "./cookie-value.ts";
import { readExpressRecord } from "./express-session.ts";

const MAX_ID_LENGTH = 256;

/**
 * Reads the cookie of next-session: a session id (default name `sid`).
 *
 * The id is not signed: its security depends on how hard the old store's ids are to guess, and it is not verified until the
 * store finds a record for it.
 *
 * @example
 * ```ts
 * import { nextSession } from "hipflask/accepts";
 *
 * const old = nextSession({ until: "2027-01-31" });
 * console.log(old.decode(new Map([["sid", "VnipmiPnSVeWH7aXh2qJx"]]), { now: Date.UTC(2026, 0, 1) }));
 * // { ok: true, cookieNames: [ 'sid' ], kind: 'id', id: 'VnipmiPnSVeWH7aXh2qJx' }
 * ```
 */
export function nextSession(options: StoreAcceptOptions = {}): AcceptedCookie {
  checkReader("nextSession", options, STORED);
  const { cookieName = "sid" } = options;
  return acceptedCookie(
    {
      name: "next-session",
      cookieName,
      read(cookies) {
        const text = cookies.get(cookieName);
        if (text === undefined) return "missing";
        const id = percentDecode(text);
        return id && id.length <= MAX_ID_LENGTH ? { kind: "id", id } : "bad_shape";
      },
      readRecord: readExpressRecord,
    },
    options,
  );
}
