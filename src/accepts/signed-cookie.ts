import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { ConfigError } from "../errors.ts";
import { checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie, AcceptOptions } from "./accepted-cookie.ts";
import { mac, percentDecode, unsignExpressValue } from "./cookie-value.ts";

/** How the old application set a single signed value. */
export interface SignedCookieOptions extends AcceptOptions {
  /** The cookie's name; there is no default. */
  cookieName: string;
  /** Its secret; any of several may have signed. */
  secret?: SecretKey | readonly SecretKey[];
  /** The key in the session for the value. Default the cookie's name. */
  as?: string;
}

/** Further options of {@link cookieParser}. */
export interface CookieParserOptions extends SignedCookieOptions {
  /** `false` reads unsigned cookies, which anyone can forge. Default `true`. */
  signed?: boolean;
}

/**
 * Reads a string set with Hono's `setSignedCookie`.
 *
 * The format signs neither name nor time: a value signed for another cookie of the old application is accepted as well.
 *
 * @throws ConfigError without a secret
 *
 * @example
 * ```ts
 * import { honoSignedCookie } from "hipflask/accepts";
 *
 * const old = honoSignedCookie({ cookieName: "delicious_cookie", secret: "secret ingredient", as: "favourite" });
 * const cookies = new Map([["delicious_cookie", "macha.ex2pRCxmt4paDbaMZqcLf%2FG7ztFxSgkVwq1o3nf0Fz0%3D"]]);
 * console.log(old.decode(cookies, { now: Date.now() }));
 * // { ok: true, cookieNames: [ 'delicious_cookie' ], kind: 'data', data: { favourite: 'macha' } }
 * ```
 */
export function honoSignedCookie(
  options: SignedCookieOptions & { secret: SecretKey | readonly SecretKey[] },
): AcceptedCookie {
  checkReader("honoSignedCookie", options, ["secret", "as"]);
  const { cookieName, as = cookieName } = options;
  const signature = mac("secret", options.secret, { encoding: "base64" });
  return acceptedCookie(
    {
      name: "hono-signed-cookie",
      cookieName,
      read(cookies) {
        const sent = cookies.get(cookieName);
        if (sent === undefined) return "missing";
        const value = signature.unsign(percentDecode(sent) ?? "");
        return value === undefined ? "bad_signature" : { kind: "data", data: { [as]: value } };
      },
    },
    options,
  );
}

/**
 * Reads a value set with Express' `res.cookie(name, value, { signed: true })` and read by cookie-parser: a string or an
 * object.
 *
 * The format signs neither name nor time: a value signed for another cookie of the old application is accepted as well.
 *
 * @throws ConfigError without a secret, unless `signed` is `false`
 *
 * @example
 * ```ts
 * import { cookieParser } from "hipflask/accepts";
 *
 * const old = cookieParser({ cookieName: "foo", secret: "my secret" });
 * const cookies = new Map([["foo", "s%3Abar.Lms7Vqi9W9xeACQ0UwB0zK73krXRVXU%2FwvO1AcJEfds"]]);
 * console.log(old.decode(cookies, { now: Date.now() }));
 * // { ok: true, cookieNames: [ 'foo' ], kind: 'data', data: { foo: 'bar' } }
 * ```
 */
export function cookieParser(options: CookieParserOptions): AcceptedCookie {
  checkReader("cookieParser", options, ["secret", "as", "signed"]);
  const { cookieName, as = cookieName, secret, signed = true } = options;
  if (signed && secret === undefined) {
    throw new ConfigError(
      '"secret" is missing; pass that of the old application, or `signed: false` if it had none.',
    );
  }
  const signature = signed && mac("secret", secret!);
  return acceptedCookie(
    {
      name: "cookie-parser",
      cookieName,
      read(cookies) {
        const sent = cookies.get(cookieName);
        if (sent === undefined) return "missing";
        let value = percentDecode(sent);
        if (signature) {
          const unsigned = unsignExpressValue(value, signature);
          if (typeof unsigned === "string") return unsigned;
          value = unsigned.text;
        }
        if (value === undefined) return "bad_signature";
        return { kind: "data", data: { [as]: value.startsWith("j:") ? JSON.parse(value.slice(2)) : value } };
      },
    },
    options,
  );
}
