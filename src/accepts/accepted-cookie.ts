import { checkNames, checkWait } from "../check-options.ts";
import type { RefusalReason } from "../codecs/codec.ts";
import { ConfigError } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import { checkCookieName } from "../http/cookie.ts";
import { checkDomain, checkPath } from "../http/cookie-settings.ts";
import { oldRecords, type OldRecords, type OldStore } from "./old-store.ts";

/** The cookies of one request by name, each value as it was sent, not percent-decoded. A `Map` will do. */
export interface RequestCookies {
  get(name: string): string | undefined;
}

/** The moment an old cookie is judged at. */
export interface AcceptContext {
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Why an old cookie was not taken: the words of a codec, or `missing` (not sent), `ended` (after `until`) or `busy` (too many forged ones in this second). */
export type AcceptRefusal = RefusalReason | "missing" | "ended" | "busy";

/** What an old cookie held. */
export type AcceptedContent =
  /** The session itself, as plain JSON data. */
  | {
      readonly kind: "data";
      readonly data: Record<string, unknown>;
      /** Values the old library would have shown once and dropped. */
      readonly flash?: Record<string, unknown>;
      /** Whether the old cookie outlived the browser, where that can be told. */
      readonly permanent?: boolean;
      /** The id the old library gave this session, where the cookie says. */
      readonly id?: string;
    }
  /** The session itself, in the tagged JSON of this library's own codecs. */
  | { readonly kind: "fields"; readonly fields: Fields }
  /** Only the key of a record in the old library's store. */
  | { readonly kind: "id"; readonly id: string };

/** The outcome of looking for an old cookie. */
export type Accepted =
  | ({
      readonly ok: true;
      /** Every cookie that was read, signatures and chunks too: the ones to expire once the session is saved as ours. */
      readonly cookieNames: readonly string[];
    } & AcceptedContent)
  | { readonly ok: false; readonly reason: AcceptRefusal };

/**
 * A cookie of another library (or an older configuration of this one) from which a session may be opened, so that
 * nobody is logged out by a migration. It is read, never written.
 *
 * Promises every reader keeps:
 * - `decode` never throws and never hangs; work and memory are bounded by the length of a request's headers.
 * - Content is authenticated before any of it is parsed, unless the old library did not authenticate it and the
 *   reader was told so in as many words.
 * - What the old library refuses, expired content included, is refused.
 */
export interface AcceptedCookie {
  /** The format, for events and the inspector, such as `"iron-session"`. */
  readonly name: string;
  /** Name of the (first) cookie it is read from. */
  readonly cookieName: string;
  /** Path and domain the old cookie was set with: a cookie can only be expired under the same ones. */
  readonly path: string | undefined;
  readonly domain: string | undefined;
  /** Epoch milliseconds from which on it is no longer read. */
  readonly until: number | undefined;
  /** Whether sessions from it outlive the browser; `undefined`: as the old cookie did, where that can be told. */
  readonly permanent: boolean | undefined;
  /** How many times a session was opened from it. When this stands still, the entry can go. */
  readonly opened: number;
  /** The old store, if one was given, for content of kind `"id"`. */
  readonly store: OldRecords | undefined;
  decode(cookies: RequestCookies, context: AcceptContext): Accepted;
  /** What a record of the old store holds, without the library's own bookkeeping; judges the expiry noted in it. */
  readRecord?(record: unknown, context: AcceptContext): AcceptedContent | AcceptRefusal;
}

/** What every reader can be told. */
export interface AcceptOptions {
  /** The old cookie's name. Default the old library's own default. */
  cookieName?: string;
  /** The old cookie's `Path`. Default: any that the request's path may have had; it is expired for each of them. */
  path?: string;
  /** The old cookie's `Domain`. Default: any that the request's host may have set; it is expired for each of them. */
  domain?: string;
  /** The end of the migration; from this moment on the old cookie is ignored. Default none. */
  until?: Date | string;
  /**
   * Whether the visitor's session of ours outlives the browser (`session.permanent`). Default: as the old one did, where
   * its content or its library's defaults tell, else false.
   */
  permanent?: boolean;
}

/** What a reader of a format with a server-side store can be told besides. */
export interface StoreAcceptOptions extends AcceptOptions {
  /**
   * The store of the old application, if it had one and its cookies hold only an id. `true` says so without saying
   * where it is.
   */
  store?: OldStore | boolean;
  /** Seconds that a call of it may take. Default 2. */
  storeTimeout?: number;
}

/** Options of every reader. */
const COMMON = ["cookieName", "path", "domain", "until", "permanent"];
/** And of one that finds its data in a store. */
export const STORED = ["store", "storeTimeout"];

/** @throws ConfigError for what is no object, and for an option that the reader does not have */
export function checkReader(call: string, options: object, own: readonly string[]): void {
  checkNames(call, options, [...own, ...COMMON]);
}

/** The part of a reader that is its own. */
export interface CookieFormat {
  name: string;
  cookieName: string;
  /** A string is a refusal. May throw on content that is authentic and yet unreadable. */
  read(cookies: RequestCookies, context: AcceptContext): AcceptedContent | AcceptRefusal;
  readRecord?(record: unknown, context: AcceptContext): AcceptedContent | AcceptRefusal;
}

/** Longest sum of the cookies of one session. Node takes 16 KiB of headers in all unless told otherwise. */
const MAX_LENGTH = 65_536;

/** Makes a reader of a format: adds what all have in common. @throws ConfigError for an unusable option */
export function acceptedCookie(format: CookieFormat, options: StoreAcceptOptions): AcceptedCookie {
  const { store, storeTimeout = 2, permanent } = options;
  const of = ` of ${format.name}`;
  const cookieName = checkCookieName(format.cookieName, `"cookieName"${of}`);
  const path = checkPath(options.path, `"path"${of}`);
  const domain = checkDomain(options.domain, `"domain"${of}`);
  checkWait("storeTimeout", storeTimeout);
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
    // An id proves nothing until its record is found.
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

/** Notes which cookies a reader took, and hands out no more than the limit. */
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
