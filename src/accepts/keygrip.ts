import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { ConfigError } from "../errors.ts";
import type { AcceptOptions, AcceptRefusal, RequestCookies } from "./accepted-cookie.ts";
import { mac } from "./cookie-value.ts";

/** How the old application signed cookies with Keygrip, which cookie-session and Koa use. */
export interface KeygripOptions extends AcceptOptions {
  /** Its `keys`: any of them may have signed. */
  keys?: readonly SecretKey[];
  /** The hash, if `keys` was a `Keygrip` with another one. Default `"sha1"`. */
  algorithm?: string;
  /** The encoding of signatures, if `keys` was a `Keygrip` with another one. Default `"base64"`. */
  encoding?: "base64" | "hex";
  /** `false` reads unsigned cookies, which anyone can forge. Default `true`. */
  signed?: boolean;
}

/** The names of {@link KeygripOptions}. */
export const KEYGRIP = ["keys", "algorithm", "encoding", "signed"];

/** Returns the value of a cookie whose signature is in a second one, `<name>.sig`, or the reason to refuse it. */
export type SignedValue = { readonly value: string } | { readonly refusal: AcceptRefusal };

/** @throws ConfigError without keys, unless `signed` is `false` */
export function keygripReader(
  cookieName: string,
  options: KeygripOptions,
): (cookies: RequestCookies) => SignedValue {
  const { keys, algorithm = "sha1", encoding = "base64", signed = true } = options;
  if (signed && keys === undefined) {
    throw new ConfigError(
      '"keys" is missing; pass the keys of the old application, or `signed: false` if it had none.',
    );
  }
  // Keygrip uses base64url without padding.
  const signature =
    signed &&
    mac("keys", keys!, { digest: algorithm, encoding: encoding === "base64" ? "base64url" : encoding });

  return (cookies) => {
    const value = cookies.get(cookieName);
    if (value === undefined) return { refusal: "missing" };
    // The name is signed as well, so a value is invalid in another cookie.
    if (signature && !signature.verify(`${cookieName}=${value}`, cookies.get(`${cookieName}.sig`) ?? "")) {
      return { refusal: "bad_signature" };
    }
    return { value };
  };
}
