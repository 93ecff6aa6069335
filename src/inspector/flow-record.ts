import type { RefusalReason } from "../codecs/codec.ts";
import type { Outcome } from "../interfaces/decide.ts";

/** What opening made of a request's cookie. */
export type Verdict =
  | { readonly kind: "unread" }
  | { readonly kind: "empty" }
  | { readonly kind: "recognised"; readonly keys: number }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/** A key whose value is another one than before. Its name, never its value. */
export interface KeyChange {
  readonly key: string;
  readonly kind: "added" | "changed" | "removed";
}

/** A Set-Cookie line without its value. */
export interface SentCookie {
  /** Bytes of the whole line. */
  readonly size: number;
  readonly attributes: string;
  readonly isRemoval: boolean;
}

/** What one request did with its session. Holds no cookie, no secret and no value. */
export interface FlowRecord {
  /** Place in the log's history, from 1. */
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
  /** Keys that the handler asked for. */
  read: Set<string>;
  changes: readonly KeyChange[];
  outcome: Outcome;
  setCookie: SentCookie | undefined;
  status: number | undefined;
  /** Milliseconds that each step took. */
  readonly took: { open?: number; handle?: number; save?: number };
  /** What else happened: `created`, `rotated`, `lost`, `migrated`, … */
  readonly events: string[];
  /** The step that failed, and the code of its error. */
  failure: { readonly step: "open" | "save"; readonly code: string } | undefined;
}

/** Most keys and events that are kept of one request. */
export const MOST = 40;
const LONGEST_TEXT = 120;

/** A request that has just arrived. */
export function newRecord(given: Pick<FlowRecord, "at" | "method" | "path" | "cookieIn">): FlowRecord {
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

/** Names of visitors' making may be long. */
export function clipped(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
