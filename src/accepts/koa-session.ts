import { STORED, checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type {
  AcceptContext,
  AcceptedContent,
  AcceptedCookie,
  AcceptRefusal,
  StoreAcceptOptions,
} from "./accepted-cookie.ts";
import { KEYGRIP, keygripReader } from "./keygrip.ts";
import type { KeygripOptions } from "./keygrip.ts";
import { isRecord, textFromBase64, without } from "./plain-json.ts";

/** The options of the old `session({ … }, app)`, and `app.keys`. */
export type KoaSessionOptions = KeygripOptions & StoreAcceptOptions;

/**
 * Reads the cookies of koa-session: the data as JSON, or the key of a store's record (default name `koa.sess`), and its
 * signature (`koa.sess.sig`). The expiry that koa-session stores in the data is respected.
 *
 * @throws ConfigError without keys, unless `signed` is `false`
 *
 * @example
 * ```ts
 * import { koaSession } from "hipflask/accepts";
 *
 * const old = koaSession({ keys: ["some secret hurr"], until: "2027-01-31" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function koaSession(options: KoaSessionOptions): AcceptedCookie {
  checkReader("koaSession", options, [...KEYGRIP, ...STORED]);
  const { cookieName = "koa.sess", store = false } = options;
  const signedValue = keygripReader(cookieName, options);
  return acceptedCookie(
    {
      name: "koa-session",
      cookieName,
      read(cookies, context) {
        const signed = signedValue(cookies);
        if ("refusal" in signed) return signed.refusal;
        if (store) return signed.value === "" ? "bad_shape" : { kind: "id", id: signed.value };
        return readKoaRecord(JSON.parse(textFromBase64(signed.value)), context);
      },
      readRecord: readKoaRecord,
    },
    options,
  );
}

function readKoaRecord(record: unknown, context: AcceptContext): AcceptedContent | AcceptRefusal {
  if (!isRecord(record)) return "bad_shape";
  if (typeof record._expire === "number" && record._expire < context.now) return "expired";
  // With `maxAge: "session"`, there is a flag instead of the expiry.
  const permanent = typeof record._expire === "number";
  return {
    kind: "data",
    data: without(record, "_expire", "_maxAge", "_session"),
    ...(permanent && { permanent }),
  };
}
