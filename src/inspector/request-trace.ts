import type { RefusalReason } from "../codecs/codec.ts";
import type { Outcome } from "../interfaces/decide.ts";

/** The result of opening a request's cookie. */
export type Verdict =
  | { readonly kind: "unread" }
  | { readonly kind: "empty" }
  | { readonly kind: "accepted"; readonly keys: number }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/** A key whose value changed. Never contains the value. */
export interface KeyChange {
  readonly key: string;
  readonly kind: "added" | "changed" | "removed";
}

/** A Set-Cookie line without its value. */
export interface SentCookie {
  /** Length of the whole line in bytes. */
  readonly size: number;
  readonly attributes: string;
  readonly isRemoval: boolean;
}

/** What one request did with its session. Contains no cookie, no secret and no value. */
export interface RequestTrace {
  /** Number in the log, from 1. */
  number: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Bytes of `name=value` in the request; `undefined` without the cookie. */
  readonly cookieIn: number | undefined;
  verdict: Verdict;
  /** Public half of a stored session's token. */
  selector: string | undefined;
  /** Keys that the handler read. */
  read: Set<string>;
  changes: readonly KeyChange[];
  outcome: Outcome;
  setCookie: SentCookie | undefined;
  status: number | undefined;
  /** Duration of each step in milliseconds. */
  readonly took: { open?: number; handle?: number; save?: number };
  /** Other events: `created`, `rotated`, `lost`, `migrated`, … */
  readonly events: string[];
  /** The step that failed, and the code of its error. */
  failure: { readonly step: "open" | "save"; readonly code: string } | undefined;
}

/** Maximum number of keys and events per request. */
export const MOST = 40;
const LONGEST_TEXT = 120;

/** A new request. */
export function newTrace(given: Pick<RequestTrace, "at" | "method" | "path" | "cookieIn">): RequestTrace {
  return {
    ...given,
    method: clipped(given.method),
    path: clipped(given.path),
    number: 0,
    verdict: { kind: "unread" },
    selector: undefined,
    read: new Set(),
    changes: [],
    outcome: "nothing",
    setCookie: undefined,
    status: undefined,
    took: {},
    events: [],
    failure: undefined,
  };
}

/** Names chosen by visitors may be long. */
export function clipped(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
