import { shareClass } from "../copies.ts";
import { deprecate } from "./deprecate.ts";

/** The options of a session's cookie; names and defaults are express-session's. */
export interface CookieOptions {
  /** Milliseconds until the cookie expires. Default none: a session cookie. */
  maxAge?: number | null | undefined;
  /** When the cookie expires; of `maxAge` and this, the last one wins. Default none. */
  expires?: Date | null | undefined;
  /** Hides the cookie from scripts. Default `true`. */
  httpOnly?: boolean | undefined;
  /** Requests outside this path have no session. Default `"/"`. */
  path?: string | undefined;
  /** Default none: a host-only cookie. */
  domain?: string | undefined;
  /** Sends the cookie only over HTTPS; `"auto"`: if the request uses HTTPS. Default no. */
  secure?: boolean | "auto" | undefined;
  /** `true` is `"strict"`; `"auto"` is `"none"` over HTTPS and otherwise `"lax"`. Default none. */
  sameSite?: boolean | "lax" | "strict" | "none" | "auto" | undefined;
  /** Partitions the cookie by top-level site (CHIPS). Default no. */
  partitioned?: boolean | undefined;
  /** The priority with which a browser keeps the cookie. Default none. */
  priority?: "low" | "medium" | "high" | undefined;
}

/** A cookie as it is stored with its session. */
export interface CookieData extends Omit<CookieOptions, "maxAge"> {
  originalMaxAge: number | null;
}

/**
 * The cookie of a session, at `req.session.cookie`: how long the session lives, and how its cookie is set.
 *
 * @throws TypeError if the options are not an object, or `maxAge` is not a number
 * @example
 * ```ts
 * import { Cookie } from "hipflask/express-session";
 *
 * const cookie = new Cookie({ maxAge: 60_000, sameSite: "lax" });
 * console.log(cookie.originalMaxAge, cookie.expires); // 60000, a minute from now
 * console.log(cookie.serialize("theme", "dark")); // theme=dark; Path=/; Expires=…; HttpOnly; SameSite=Lax
 * ```
 */
export class Cookie implements CookieOptions {
  /** The last `maxAge` that was set, in milliseconds or `null`; each request restarts the time with it. */
  declare originalMaxAge: number | null;
  declare httpOnly: boolean | undefined;
  declare path: string | undefined;
  declare domain: string | undefined;
  declare secure: boolean | "auto" | undefined;
  declare sameSite: CookieOptions["sameSite"];
  declare partitioned: boolean | undefined;
  declare priority: CookieOptions["priority"];
  /** express-session's field for `expires`; stores copy it. */
  declare private _expires: Date | null | undefined;

  constructor(options?: CookieOptions) {
    this.path = "/";
    this.maxAge = null;
    this.httpOnly = true;
    if (options) {
      if (typeof options !== "object") throw new TypeError("argument options must be a object");
      // Inherited ones too: a cookie of another copy of this class inherits its accessors.
      for (const key in options) {
        if (key !== "data" && key !== "__proto__") Reflect.set(this, key, Reflect.get(options, key));
      }
    }
    this.originalMaxAge ??= (this.maxAge as number | undefined) ?? null;
  }

  /** When the session expires; `null` or `undefined`: when the browser closes. Setting it sets `originalMaxAge`. */
  get expires(): Date | null | undefined {
    return this._expires;
  }

  set expires(date: Date | null | undefined) {
    this._expires = date;
    this.originalMaxAge = this.maxAge as number | null;
  }

  /** Milliseconds until the session expires; not a number if it ends with the browser. Setting it sets `expires`. */
  get maxAge(): number | undefined {
    const { expires } = this;
    return expires instanceof Date ? expires.valueOf() - Date.now() : (expires as unknown as undefined);
  }

  set maxAge(ms: number | Date | null | undefined) {
    if (ms && typeof ms !== "number" && !(ms instanceof Date)) {
      throw new TypeError("maxAge must be a number or Date");
    }
    if (ms instanceof Date) deprecate("maxAge as Date; pass number of milliseconds instead");
    this.expires = typeof ms === "number" ? new Date(Date.now() + ms) : ms;
    // Exact, although time has passed.
    if (typeof ms === "number") this.originalMaxAge = ms;
  }

  /** The stored form of the cookie. */
  get data(): CookieData {
    return {
      originalMaxAge: this.originalMaxAge,
      partitioned: this.partitioned,
      priority: this.priority,
      expires: this._expires,
      secure: this.secure,
      httpOnly: this.httpOnly,
      domain: this.domain,
      path: this.path,
      sameSite: this.sameSite,
    };
  }

  /** A Set-Cookie line with these attributes. @throws TypeError for invalid values */
  serialize(name: string, value: string): string {
    return setCookieLine(name, value, this.data);
  }

  toJSON(): CookieData {
    return this.data;
  }
}

shareClass("express-session Cookie", Cookie);

const NAME = /^[\w!#$%&'*+\-.^`|~]+$/;
const DOMAIN = /^\.?[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i;
const PATH = /^[ -:=-~]*$/;
const PRIORITIES = new Map<unknown, string>([
  ["low", "Low"],
  ["medium", "Medium"],
  ["high", "High"],
]);
const SAME_SITES = new Map<unknown, string>([
  [true, "Strict"],
  ["strict", "Strict"],
  ["lax", "Lax"],
  ["none", "None"],
]);

/**
 * Serializes a Set-Cookie line byte for byte like `cookie` 0.7, which express-session uses: the same order of attributes,
 * encoding, checks and messages.
 *
 * @throws TypeError for invalid values
 */
export function setCookieLine(name: string, value: string, attributes: CookieOptions): string {
  const { domain, path, expires, httpOnly, secure, partitioned, priority, sameSite } = attributes;
  if (!NAME.test(name)) throw new TypeError("argument name is invalid");
  let line = `${name}=${encodeURIComponent(value)}`;
  if (domain) line += `; Domain=${checked(domain, DOMAIN, "domain")}`;
  if (path) line += `; Path=${checked(path, PATH, "path")}`;
  if (expires) line += `; Expires=${dateText(expires)}`;
  if (httpOnly) line += "; HttpOnly";
  if (secure) line += "; Secure";
  if (partitioned) line += "; Partitioned";
  if (priority) line += `; Priority=${wordOf(PRIORITIES, priority, "priority")}`;
  if (sameSite) line += `; SameSite=${wordOf(SAME_SITES, sameSite, "sameSite")}`;
  return line;
}

function checked(value: string, pattern: RegExp, option: string): string {
  if (pattern.test(value)) return value;
  throw invalid(option);
}

function dateText(value: unknown): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toUTCString();
  throw invalid("expires");
}

function wordOf(words: ReadonlyMap<unknown, string>, given: unknown, option: string): string {
  const word = words.get(typeof given === "string" ? given.toLowerCase() : given);
  if (word !== undefined) return word;
  throw invalid(option);
}

function invalid(option: string): TypeError {
  return new TypeError(`option ${option} is invalid`);
}
