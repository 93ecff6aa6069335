import { checkNames, checkSeconds, LONGEST_WAIT } from "../check-options.ts";
import type { RefusalReason } from "../codecs/codec.ts";
import { ConfigError } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import { checkCookieName } from "../http/cookie.ts";
import { checkDomain, checkPath } from "../http/cookie-settings.ts";
import { oldRecords, type OldRecords, type OldStore } from "./old-store.ts";

/** The cookies of a request by name, with raw values that are not percent-decoded. A `Map` can be passed. */
export interface RequestCookies {
  get(name: string): string | undefined;
}

/** The time at which an old cookie is checked. */
export interface AcceptContext {
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * Why an old cookie was refused: the reasons of a codec, or `missing` (not sent), `ended` (after `until`) or `busy` (too
 * many forged ones within a second).
 */
export type AcceptRefusal = RefusalReason | "missing" | "ended" | "busy";

/** The content of an old cookie. */
export type AcceptedContent =
  /** The session itself, as plain JSON data. */
  | {
      readonly kind: "data";
      readonly data: Record<string, unknown>;
      /** Flashed values, which the old library would have shown once. */
      readonly flash?: Record<string, unknown>;
      /** Whether the old cookie was persistent, if known. */
      readonly permanent?: boolean;
      /** The session's id in the old library, if the cookie contains one. */
      readonly id?: string;
    }
  /** The session itself, in the tagged JSON of this library's own codecs. */
  | { readonly kind: "fields"; readonly fields: Fields }
  /** Only the key of a record in the old library's store. */
  | { readonly kind: "id"; readonly id: string };

/** The result of looking for an old cookie. */
export type Accepted =
  | ({
      readonly ok: true;
      /** Every cookie that was read, including signatures and chunks: they are deleted when the session is saved as a hipflask session. */
      readonly cookieNames: readonly string[];
    } & AcceptedContent)
  | { readonly ok: false; readonly reason: AcceptRefusal };

/**
 * Reads the cookie of another library, or of an older configuration of this one, so that visitors stay logged in during a
 * migration. Never writes it.
 *
 * Requirements for every reader:
 * - `decode` never throws and never hangs; time and memory are bounded by the length of a request's headers.
 * - Content is authenticated before it is parsed, unless the old library did not authenticate it and an option says so.
 * - Cookies that the old library refuses, including expired ones, are refused.
 */
export interface AcceptedCookie {
  /** The format, for events and the inspector, such as `"iron-session"`. */
  readonly name: string;
  /** Name of the (first) cookie it is read from. */
  readonly cookieName: string;
  /** Path and domain of the old cookie: a cookie can only be deleted with the same ones. */
  readonly path: string | undefined;
  readonly domain: string | undefined;
  /** Epoch milliseconds from which it is no longer read. */
  readonly until: number | undefined;
  /** Whether sessions from it are permanent; `undefined`: if the old cookie was persistent, as far as known. */
  readonly permanent: boolean | undefined;
  /** Number of sessions opened from it. When this no longer increases, the reader can be removed. */
  readonly opened: number;
  /** The old store, if one was given, for content of kind `"id"`. */
  readonly store: OldRecords | undefined;
  decode(cookies: RequestCookies, context: AcceptContext): Accepted;
  /** The data in a record of the old store, without the library's own fields. Checks the expiry in the record. */
  readRecord?(record: unknown, context: AcceptContext): AcceptedContent | AcceptRefusal;
}

/** Options of every reader. */
export interface AcceptOptions {
  /** The old cookie's name. Default the old library's own default. */
  cookieName?: string;
  /** The old cookie's `Path`. Default: every possible one for the request's path; the cookie is deleted for each. */
  path?: string;
  /** The old cookie's `Domain`. Default: every possible one for the request's host; the cookie is deleted for each. */
  domain?: string;
  /** The end of the migration, from which the old cookie is ignored. Default none. */
  until?: Date | string;
  /**
   * Whether the new session is permanent (`session.permanent`). Default: if the old cookie was persistent, by its content
   * or the library's defaults; otherwise false.
   */
  permanent?: boolean;
}

/** Further options of readers of formats with a server-side store. */
export interface StoreAcceptOptions extends AcceptOptions {
  /**
   * The store of the old application, if its cookies contain only an id. `true`: they do, but the store is not available.
   */
  store?: OldStore | boolean;
  /** Time limit of a call in seconds. Default 2. */
  storeTimeout?: number;
}

/** Options of every reader. */
const COMMON = ["cookieName", "path", "domain", "until", "permanent"];
/** Names of the options of a reader with a store. */
export const STORED = ["store", "storeTimeout"];

/** @throws ConfigError unless `options` is an object, and for an unknown option */
export function checkReader(call: string, options: object, own: readonly string[]): void {
  checkNames(call, options, [...own, ...COMMON]);
}

/** The format-specific part of a reader. */
export interface CookieFormat {
  name: string;
  cookieName: string;
  /** Returns a string to refuse the cookie. May throw for authentic content that cannot be decoded. */
  read(cookies: RequestCookies, context: AcceptContext): AcceptedContent | AcceptRefusal;
  readRecord?(record: unknown, context: AcceptContext): AcceptedContent | AcceptRefusal;
}

/** Maximum total length of the cookies of one session. Node accepts 16 KiB of headers by default. */
const MAX_LENGTH = 65_536;

/** Creates a reader for a format. @throws ConfigError for an invalid option */
export function acceptedCookie(format: CookieFormat, options: StoreAcceptOptions): AcceptedCookie {
  const { store, storeTimeout = 2, permanent } = options;
  const of = ` of ${format.name}`;
  const cookieName = checkCookieName(format.cookieName, `"cookieName"${of}`);
  const path = checkPath(options.path, `"path"${of}`);
  const domain = checkDomain(options.domain, `"domain"${of}`);
  checkSeconds("storeTimeout", storeTimeout, LONGEST_WAIT);
  const until = options.until === undefined ? undefined : new Date(options.until).getTime();
  if (Number.isNaN(until))
    throw new ConfigError(`"until" of ${format.name} is not a date; write it like "2027-01-31".`);
  const records = typeof store === "object" ? oldRecords(store, storeTimeout) : undefined;
  let opened = 0;

  function decode(cookies: RequestCookies, context: AcceptContext): Accepted {
    if (until !== undefined && context.now >= until) return { ok: false, reason: "ended" };
    const taken = new TakenCookies(cookies);
    const content = neverThrow(() => format.read(taken, context));
    if (taken.tooLong) return { ok: false, reason: "too_long" };
    if (typeof content === "string") return { ok: false, reason: content };
    // An id is not verified until its record is found.
    if (content.kind !== "id" || !records) opened += 1;
    return { ok: true, cookieNames: taken.names, ...content };
  }

  return {
    name: format.name,
    cookieName,
    path,
    domain,
    until,
    permanent,
    store: records,
    get opened() {
      return opened;
    },
    decode,
    ...(format.readRecord && {
      readRecord(record: unknown, context: AcceptContext) {
        const content = neverThrow(() => format.readRecord!(record, context));
        if (records && typeof content !== "string") opened += 1;
        return content;
      },
    }),
  };
}

/** Records which cookies a reader read, up to the limit. */
class TakenCookies implements RequestCookies {
  readonly names: string[] = [];
  readonly #cookies: RequestCookies;
  #length = 0;

  constructor(cookies: RequestCookies) {
    this.#cookies = cookies;
  }

  get tooLong(): boolean {
    return this.#length > MAX_LENGTH;
  }

  get(name: string): string | undefined {
    const text = this.#cookies.get(name);
    if (text === undefined) return undefined;
    this.#length += text.length;
    if (this.tooLong) return undefined;
    this.names.push(name);
    return text;
  }
}

function neverThrow<T>(read: () => T): T | AcceptRefusal {
  try {
    return read();
  } catch {
    return "bad_payload";
  }
}
