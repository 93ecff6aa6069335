import type { Outcome, RefusalReason } from "hipflask";

/** What became of the cookie that came in. */
export type Verdict =
  | { readonly kind: "unread" }
  | { readonly kind: "empty" }
  | { readonly kind: "recognised"; readonly keys: number }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/** A key whose value is another one than before. */
export interface Change {
  readonly key: string;
  readonly kind: "added" | "changed" | "removed";
}

/** What a store was asked in a request. */
export interface Operation {
  readonly verb: string;
  /** Keys that were written; removed ones with a minus. Never a value. */
  readonly keys: readonly string[];
  /** `ok`, `gone`, `stale` or `conflict`; three dots until it is there. */
  answer: string;
}

/** The way of one request through the session, step by step. */
export interface FlowRecord {
  readonly method: string;
  readonly path: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** 1. Value of the session cookie in the request; `undefined` without one. */
  readonly cookieIn: string | undefined;
  /** 2. What opening made of it. */
  verdict: Verdict;
  /** 3. Keys the view asked for. */
  read: Set<string>;
  /** 3. What is different since. */
  changes: readonly Change[];
  /** 2. and 4. What the store was asked, in order; empty while sessions are in cookies. */
  readonly operations: Operation[];
  /** 4. What saving did. */
  outcome: Outcome;
  /** 4. What the store holds after the request, as JSON; `undefined` while sessions are in cookies. The visitor's own data. */
  stored: string | undefined;
  /** 5. The Set-Cookie line of the session, if there is one. */
  setCookie: string | undefined;
  status: number;
  /** Words on a request that the shop did not handle as usual. */
  readonly note?: string;
}

/** A record of a request that has only just arrived. */
export function newRecord(method: string, path: string, at: number, cookieIn?: string): FlowRecord {
  return {
    method: method.slice(0, 10),
    path: path.slice(0, 80),
    at,
    cookieIn,
    verdict: { kind: "unread" },
    read: new Set(),
    changes: [],
    operations: [],
    outcome: "nothing",
    stored: undefined,
    setCookie: undefined,
    status: 0,
  };
}
