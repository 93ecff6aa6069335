import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { ConfigError } from "../errors.ts";
import { STORED, checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type {
  AcceptedContent,
  AcceptedCookie,
  AcceptRefusal,
  RequestCookies,
  StoreAcceptOptions,
} from "./accepted-cookie.ts";
import { mac, percentDecode } from "./cookie-value.ts";
import { isRecord, textFromBase64 } from "./plain-json.ts";

/** The options of the old `createCookie("…", { … })`. */
export interface ReactRouterOptions extends StoreAcceptOptions {
  /** Its `secrets`: any of them may have signed. */
  secrets?: readonly SecretKey[];
  /** `false` reads unsigned cookies, which anyone can forge. Default `true`. */
  signed?: boolean;
}

const FLASH = /^__flash_(.*)__$/s;

/**
 * Reads the session cookie of React Router 7 and 8 and of Remix 1 and 2 (default name `__session`): the data as JSON, or,
 * with a store, the id. Values set with `flash()` are in `flash`.
 *
 * The format has no expiry: a copied cookie is valid for as long as it is read, so set `until`.
 *
 * @throws ConfigError without secrets, unless `signed` is `false`
 *
 * @example
 * ```ts
 * import { reactRouter } from "hipflask/accepts";
 *
 * const old = reactRouter({ secrets: ["s3cret1"], until: "2027-01-31" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function reactRouter(options: ReactRouterOptions): AcceptedCookie {
  checkReader("reactRouter", options, ["secrets", "signed", ...STORED]);
  const { cookieName = "__session", store = false } = options;
  const signedText = signedBase64Reader(cookieName, options);
  return acceptedCookie(
    {
      name: "react-router",
      cookieName,
      read(cookies) {
        const signed = signedText(cookies);
        if ("refusal" in signed) return signed.refusal;
        const value: unknown = JSON.parse(signed.text);
        if (!store) return readReactRouterRecord(value);
        return typeof value === "string" && value !== "" ? { kind: "id", id: value } : "bad_shape";
      },
      readRecord: readReactRouterRecord,
    },
    options,
  );
}

/**
 * Decodes a cookie `<base64>.<signature>`.
 *
 * @throws ConfigError without secrets, unless `signed` is `false`
 */
export function signedBase64Reader(cookieName: string, { secrets, signed = true }: ReactRouterOptions) {
  if (signed && secrets === undefined) {
    throw new ConfigError(
      '"secrets" is missing; pass those of the old application, or `signed: false` if it had none.',
    );
  }
  const signature = signed && mac("secrets", secrets!);
  return (cookies: RequestCookies): { readonly text: string } | { readonly refusal: AcceptRefusal } => {
    const sent = cookies.get(cookieName);
    if (sent === undefined) return { refusal: "missing" };
    const value = percentDecode(sent);
    if (value === undefined) return { refusal: "bad_shape" };
    const base64 = signature ? signature.unsign(value) : value;
    return base64 === undefined ? { refusal: "bad_signature" } : { text: textFromBase64(base64) };
  };
}

function readReactRouterRecord(record: unknown): AcceptedContent | AcceptRefusal {
  if (!isRecord(record)) return "bad_shape";
  const entries = Object.entries(record);
  return {
    kind: "data",
    data: Object.fromEntries(entries.filter(([key]) => !FLASH.test(key))),
    flash: Object.fromEntries(
      entries.filter(([key]) => FLASH.test(key)).map(([key, value]) => [FLASH.exec(key)![1], value]),
    ),
  };
}
