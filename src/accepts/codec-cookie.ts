import type { Codec } from "../codecs/codec.ts";
import { checkNumber, POSITIVE } from "../check-options.ts";
import { checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie, AcceptOptions } from "./accepted-cookie.ts";

/** A cookie in one of this library's own formats. */
export interface CodecCookieOptions extends AcceptOptions {
  /** The codec that wrote the cookie. */
  codec: Codec;
  /** Default `"session"`. */
  cookieName?: string;
  /** Maximum age in whole seconds. */
  maxAge: number;
}

/**
 * Reads a cookie of one of this library's own codecs: for a migration from Flask's format to sealed cookies, from Django to
 * Flask, or from one cookie name to another.
 *
 * @example
 * ```ts
 * import { randomBytes } from "node:crypto";
 * import { codecCookie } from "hipflask/accepts";
 * import { sealedCodec } from "hipflask";
 *
 * const old = codecCookie({ codec: sealedCodec({ secretKey: randomBytes(32) }), cookieName: "sess", maxAge: 3600 });
 * console.log(old.decode(new Map([["sess", "?"]]), { now: Date.now() })); // { ok: false, reason: 'bad_shape' }
 * ```
 */
export function codecCookie(options: CodecCookieOptions): AcceptedCookie {
  checkReader("codecCookie", options, ["codec", "maxAge"]);
  const { codec, cookieName = "session", maxAge } = options;
  checkNumber("maxAge", maxAge, POSITIVE);
  return acceptedCookie(
    {
      name: codec.name,
      cookieName,
      read(cookies, { now }) {
        const text = cookies.get(cookieName);
        if (text === undefined) return "missing";
        const decoded = codec.decode(text, { now, maxAge, cookieName });
        return decoded.ok ? { kind: "fields", fields: decoded.fields } : decoded.reason;
      },
    },
    options,
  );
}
