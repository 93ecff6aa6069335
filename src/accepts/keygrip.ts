import type { SecretKey } from "../itsdangerous/secret-key.ts";
import { ConfigError } from "../errors.ts";
import type { AcceptOptions, AcceptRefusal, RequestCookies } from "./accepted-cookie.ts";
import { mac } from "./mac.ts";

/** How the old application signed with Keygrip, as cookie-session and Koa do. */
export interface KeygripOptions extends AcceptOptions {
  /** Its `keys`: any of them may have signed. */
  keys?: readonly SecretKey[];
  /** The hash, if `keys` was a `Keygrip` made with another one. Default `"sha1"`. */
  algorithm?: string;
  /** The spelling of signatures, if `keys` was a `Keygrip` made with another one. Default `"base64"`. */
  encoding?: "base64" | "hex";
  /** `false` reads cookies that were never signed, which anybody can write. Default `true`. */
  signed?: boolean;
}

/** The names of {@link KeygripOptions}. */
export const KEYGRIP = ["keys", "algorithm", "encoding", "signed"];

/** Gives the value of a cookie that has a second one, `<name>.sig`, as its signature, or the reason to refuse it. */
export type SignedValue = { readonly value: string } | { readonly refusal: AcceptRefusal };

/** @throws ConfigError without keys, unless `signed` is `false` */
export function keygripReader(
  cookieName: string,
  options: KeygripOptions,
): (cookies: RequestCookies) => SignedValue {
  const { keys, algorithm = "sha1", encoding = "base64", signed = true } = options;
  if (signed && keys === undefined) {
    throw new ConfigError(
      '"keys" is missing; give the keys of the old application, or `signed: false` if it had none.',
    );
  }
  // Keygrip's base64 is the URL-safe one, without padding.
  const signature =
    signed &&
    mac("keys", keys!, { digest: algorithm, encoding: encoding === "base64" ? "base64url" : encoding });

  return (cookies) => {
    const value = cookies.get(cookieName);
    if (value === undefined) return { refusal: "missing" };
    // The name is signed too: a value moved to another cookie does not verify.
    if (signature && !signature.verify(`${cookieName}=${value}`, cookies.get(`${cookieName}.sig`) ?? "")) {
      return { refusal: "bad_signature" };
    }
    return { value };
  };
}
