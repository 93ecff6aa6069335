import { ConfigError } from "../errors.ts";
import { checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptedCookie, AcceptOptions } from "./accepted-cookie.ts";
import { joinChunks } from "./chunks.ts";
import { passwordBytes, unsealFe26 } from "./fe26.ts";
import type { Fe26Passwords } from "./fe26.ts";
import { dataFromJSON } from "./plain-json.ts";

/** The options of the old `getIronSession(…, { … })`. */
export interface IronSessionOptions extends AcceptOptions {
  /** Its `cookieName`; iron-session has no default. */
  cookieName: string;
  /** Its `password`: one string, or several by id. */
  password: string | Readonly<Record<string, string>>;
  /**
   * `true` accepts a seal with any marker, as iron-session 9 does. Default `false`: only the marker `~2`, which
   * iron-session 6 to 9 write.
   */
  anyMarker?: boolean;
}

/** Maximum number of chunks that iron-session 9 writes. */
const MAX_CHUNKS = 4;
const MARKER = "~2";

/**
 * Reads the cookie of iron-session 6 to 9: a sealed session. Cookies that version 9 split over `name.0`, `name.1`, …
 * are joined.
 *
 * @throws ConfigError without a password or a cookie name
 *
 * @example
 * ```ts
 * import { ironSession } from "hipflask/accepts";
 *
 * const old = ironSession({
 *   cookieName: "app_session",
 *   password: "complex_password_at_least_32_characters_long",
 *   until: "2027-01-31",
 * });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function ironSession(options: IronSessionOptions): AcceptedCookie {
  checkReader("ironSession", options, ["password", "anyMarker"]);
  const { cookieName, anyMarker = false } = options;
  const passwords = ironPasswords(options);
  return acceptedCookie(
    {
      name: "iron-session",
      cookieName,
      read(cookies, context) {
        const text = cookies.get(cookieName) ?? joinChunks(cookies, cookieName, MAX_CHUNKS);
        if (text === undefined) return "missing";
        if (!anyMarker && !text.endsWith(MARKER)) return "bad_shape";
        // The marker is not authenticated, so only its presence is checked.
        const seal = text.split("~", 1)[0]!;
        const unsealed = unsealFe26(seal, { passwords, iterations: [1] }, context.now);
        if ("refusal" in unsealed) return unsealed.refusal;
        const content = dataFromJSON(unsealed.text);
        // It sends a Max-Age by default.
        return typeof content === "string" ? content : { ...content, permanent: true };
      },
    },
    options,
  );
}

/** A single password has the id 1. */
export function ironPasswords({ cookieName, password }: IronSessionOptions): Fe26Passwords {
  if (!cookieName)
    throw new ConfigError('"cookieName" is missing; pass the name of the old application\'s cookie.');
  const byId = typeof password === "string" ? { 1: password } : (password ?? {});
  const passwords = new Map(
    Object.entries(byId).map(([id, text]) => [id, passwordBytes(`password[${id}]`, text)]),
  );
  if (passwords.size === 0)
    throw new ConfigError('"password" is missing; pass the password of the old application.');
  return passwords;
}
