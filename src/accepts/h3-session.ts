import { checkNumber } from "../check-options.ts";
import { checkReader, acceptedCookie } from "./accepted-cookie.ts";
import type {
  AcceptContext,
  AcceptedContent,
  AcceptedCookie,
  AcceptOptions,
  AcceptRefusal,
  RequestCookies,
} from "./accepted-cookie.ts";
import { passwordBytes, unsealFe26 } from "./fe26.ts";
import { isRecord } from "./plain-json.ts";

/** The options of the old `useSession(event, { … })`. */
export interface H3SessionOptions extends AcceptOptions {
  /** Its `password`. */
  password: string;
  /** Its `maxAge`, in seconds from the session's creation. Default none. */
  maxAge?: number;
  /** Its `idleTimeout`, in seconds from the session's last use (h3 v2). Default none. */
  idleTimeout?: number;
  /**
   * `1` if only h3 v1 wrote these cookies. Default `2`, which reads both. Version 2 uses 8192 iterations to derive a key,
   * so refusing a forged cookie takes 2 to 10 ms; after 20 of them in a second, the reader tries only version 1 until the
   * second is over, and refuses others as `busy`. Version 1 takes almost no time.
   */
  version?: 1 | 2;
}

const CHUNKED = /^__chunked__(\d{1,3})$/;
/** Maximum number of chunks that h3 v2 writes. */
const MAX_CHUNKS = 100;
/** Maximum failed attempts of version 2 per second. */
const MAX_MISSES = 20;

/**
 * Reads the session cookie of h3 v1 and v2, which Nitro and Nuxt use (default name `h3`; nuxt-auth-utils: `nuxt-session`).
 * Cookies that version 2 split over `name.1`, `name.2`, … are joined.
 *
 * @throws ConfigError without a password
 *
 * @example
 * ```ts
 * import { h3Session } from "hipflask/accepts";
 *
 * const old = h3Session({ cookieName: "nuxt-session", password: "80d42cfb-1cd2-462c-8f17-e3237d9027e9" });
 * console.log(old.decode(new Map(), { now: Date.now() })); // { ok: false, reason: 'missing' }
 * ```
 */
export function h3Session(options: H3SessionOptions): AcceptedCookie {
  checkReader("h3Session", options, ["password", "maxAge", "idleTimeout", "version"]);
  const { cookieName = "h3", password, maxAge, idleTimeout, version = 2 } = options;
  if (maxAge !== undefined) checkNumber("maxAge", maxAge, 0, " of seconds");
  if (idleTimeout !== undefined) checkNumber("idleTimeout", idleTimeout, 0, " of seconds");
  const passwords = new Map([["", passwordBytes("password", password)]]);
  const iterations = version === 1 ? [1] : [1, 8192];
  let second = 0;
  let misses = 0;

  function contentOf(session: unknown, { now }: AcceptContext): AcceptedContent | AcceptRefusal {
    if (!isRecord(session) || !isRecord(session.data)) return "bad_shape";
    const { id, createdAt, lastSeenAt = createdAt, data } = session;
    if (isOver(createdAt, maxAge, now) || isOver(lastSeenAt, idleTimeout, now)) return "expired";
    const permanent = maxAge !== undefined;
    return { kind: "data", data, ...(typeof id === "string" && { id }), ...(permanent && { permanent }) };
  }

  return acceptedCookie(
    {
      name: `h3-v${version}`,
      cookieName,
      read(cookies, context) {
        const seal = wholeSeal(cookies, cookieName);
        if (seal === undefined) return "missing";
        const now = Math.floor(context.now / 1000);
        if (now !== second) [second, misses] = [now, 0];
        const isBusy = misses >= MAX_MISSES;
        const unsealed = unsealFe26(seal, { passwords, iterations: isBusy ? [1] : iterations }, context.now);
        if ("refusal" in unsealed && unsealed.refusal === "bad_signature") {
          if (isBusy) return "busy";
          if (version === 2) misses += 1;
        }
        return "refusal" in unsealed ? unsealed.refusal : contentOf(JSON.parse(unsealed.text), context);
      },
    },
    options,
  );
}

function wholeSeal(cookies: RequestCookies, cookieName: string): string | undefined {
  const text = cookies.get(cookieName);
  const count = Number(CHUNKED.exec(text ?? "")?.[1] ?? 0);
  if (count === 0) return text;
  if (count > MAX_CHUNKS) return undefined;
  let seal = "";
  for (let i = 1; i <= count; i++) {
    const chunk = cookies.get(`${cookieName}.${i}`);
    if (chunk === undefined) return undefined;
    seal += chunk;
  }
  return seal;
}

/** Both limits count from a time in the seal; a seal without it has expired. */
function isOver(since: unknown, seconds: number | undefined, now: number): boolean {
  return seconds !== undefined && !(typeof since === "number" && now - since <= seconds * 1000);
}
