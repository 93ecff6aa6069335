import { STORED, checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedContent, AcceptedCookie, AcceptRefusal } from "./accepted-cookie.ts";
import { isRecord } from "./plain-json.ts";
import { signedBase64Reader } from "./react-router.ts";
import type { ReactRouterOptions } from "./react-router.ts";

/** The options of the old `createCookie("…", { … })`. */
export type RemixSessionOptions = ReactRouterOptions;

/**
 * Reads the cookie of Remix 3, @remix-run/cookie with @remix-run/session (no default name there; here `session`): values
 * and flash of the cookie storage, or the id of another storage.
 *
 * The format has no expiry: a copied cookie is valid for as long as it is read, so set `until`.
 *
 * @throws ConfigError without secrets, unless `signed` is `false`
 *
 * @example
 * ```ts
 * import { remixSession } from "hipflask/accepts";
 *
 * const old = remixSession({ cookieName: "session", secrets: ["s3cret1"], until: "2027-01-31" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function remixSession(options: RemixSessionOptions): AcceptedCookie {
  checkReader("remixSession", options, ["secrets", "signed", ...STORED]);
  const { cookieName = "session", store = false } = options;
  const signedText = signedBase64Reader(cookieName, options);
  return acceptedCookie(
    {
      name: "remix3-cookie",
      cookieName,
      read(cookies) {
        const signed = signedText(cookies);
        if ("refusal" in signed) return signed.refusal;
        if (store) return signed.text === "" ? "bad_shape" : { kind: "id", id: signed.text };
        const session: unknown = JSON.parse(signed.text);
        if (!isRecord(session)) return "bad_shape";
        const content = readRemixRecord(session.d);
        if (typeof content === "string" || typeof session.i !== "string") return "bad_shape";
        return { ...content, id: session.i };
      },
      readRecord: readRemixRecord,
    },
    options,
  );
}

/** Session data is a pair: values and flashed values. */
function readRemixRecord(record: unknown): Extract<AcceptedContent, { kind: "data" }> | AcceptRefusal {
  if (!Array.isArray(record)) return "bad_shape";
  const [data, flash = {}] = record as unknown[];
  return isRecord(data) && isRecord(flash) ? { kind: "data", data, flash } : "bad_shape";
}
