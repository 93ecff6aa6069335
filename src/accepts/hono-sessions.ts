import { STORED, checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type {
  AcceptContext,
  AcceptedContent,
  AcceptedCookie,
  AcceptRefusal,
  StoreAcceptOptions,
} from "./accepted-cookie.ts";
import { passwordBytes, unsealFe26 } from "./fe26.ts";
import { isRecord } from "./plain-json.ts";

/** The options of the old `sessionMiddleware({ … })`. */
export interface HonoSessionsOptions extends StoreAcceptOptions {
  /** Its `encryptionKey`. */
  encryptionKey: string;
}

/**
 * Reads the cookie of hono-sessions: a seal around the data, or around the id of a stored record (default name `session`).
 * Values set with its `flash()` are in `flash`.
 *
 * @throws ConfigError without an encryption key
 *
 * @example
 * ```ts
 * import { honoSessions } from "hipflask/accepts";
 *
 * const old = honoSessions({ encryptionKey: "password_at_least_32_characters_long" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function honoSessions(options: HonoSessionsOptions): AcceptedCookie {
  checkReader("honoSessions", options, ["encryptionKey", ...STORED]);
  const { cookieName = "session", encryptionKey, store = false } = options;
  const passwords = new Map([["", passwordBytes("encryptionKey", encryptionKey)]]);
  return acceptedCookie(
    {
      name: "hono-sessions",
      cookieName,
      read(cookies, context) {
        const seal = cookies.get(cookieName);
        if (seal === undefined) return "missing";
        const unsealed = unsealFe26(seal, { passwords, iterations: [1] }, context.now);
        if ("refusal" in unsealed) return unsealed.refusal;
        // The library seals a JSON string, which the seal encodes as JSON again.
        const text: unknown = JSON.parse(unsealed.text);
        if (typeof text !== "string" || text === "") return "bad_shape";
        return store ? { kind: "id", id: text } : readHonoRecord(JSON.parse(text), context);
      },
      readRecord: readHonoRecord,
    },
    options,
  );
}

function readHonoRecord(record: unknown, context: AcceptContext): AcceptedContent | AcceptRefusal {
  if (!isRecord(record) || !isRecord(record._data)) return "bad_shape";
  if (record._delete === true) return "expired";
  const { _expire: expires = null } = record;
  if (expires !== null && !(new Date(expires as string).getTime() > context.now)) return "expired";

  const entries = Object.entries(record._data).filter((entry): entry is [string, Record<string, unknown>] =>
    isRecord(entry[1]),
  );
  const pick = (flash: boolean) =>
    Object.fromEntries(
      entries
        .filter(([, entry]) => (entry.flash === true) === flash)
        .map(([key, entry]) => [key, entry.value]),
    );
  return { kind: "data", data: pick(false), flash: pick(true) };
}
