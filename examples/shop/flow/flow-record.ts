import type { Outcome, RefusalReason } from "hipflask";

/** The result of opening the received cookie. */
export type Verdict =
  | { readonly kind: "unread" }
  | { readonly kind: "empty" }
  | { readonly kind: "accepted"; readonly keys: number }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/** A key whose value changed. */
export interface Change {
  readonly key: string;
  readonly kind: "added" | "changed" | "removed";
}

/** An operation of a store in a request. */
export interface Operation {
  readonly verb: string;
  /** Keys that were written; removed ones with a minus. Never a value. */
  readonly keys: readonly string[];
  /** `ok`, `gone`, `stale` or `conflict`; three dots until it is known. */
  answer: string;
}

/** The steps of one request. */
export interface FlowRecord {
  readonly method: string;
  readonly path: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** 1. Value of the session cookie in the request; `undefined` without one. */
  readonly cookieIn: string | undefined;
  /** 2. The result of opening it. */
  verdict: Verdict;
  /** 3. Keys that the view read. */
  read: Set<string>;
  /** 3. Changes. */
  changes: readonly Change[];
  /** 2. and 4. The operations of the store, in order; empty without a store. */
  readonly operations: Operation[];
  /** 4. The result of saving. */
  outcome: Outcome;
  /** 4. The stored record after the request, as JSON; `undefined` without a store. The visitor's own data. */
  stored: string | undefined;
  /** 5. The Set-Cookie line of the session, if there is one. */
  setCookie: string | undefined;
  status: number;
  /** A note on a request with an unusual result. */
  readonly note?: string;
}

/** The record of a new request. */
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
