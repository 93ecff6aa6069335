import { describe, expect, it } from "vitest";
import { decide, decideRecord, type Outcome, type RecordDecision, type RecordSaveState } from "./decide.ts";

describe("decide", () => {
  const state = {
    isNull: false,
    empty: false,
    modified: false,
    accessed: false,
    permanent: false,
    refreshEachRequest: true,
    age: undefined,
    refreshAfter: 0,
  };

  // The table of Flask's save_session: keys, modified, permanent, refresh → outcome.
  const rows: [empty: boolean, modified: boolean, permanent: boolean, refresh: boolean, outcome: Outcome][] =
    [
      [true, false, false, true, "nothing"],
      [true, false, true, true, "nothing"],
      [true, true, false, true, "delete"],
      [true, true, true, false, "delete"],
      [false, false, false, true, "nothing"],
      [false, false, false, false, "nothing"],
      [false, false, true, false, "nothing"],
      [false, false, true, true, "refresh"],
      [false, true, false, true, "write"],
      [false, true, false, false, "write"],
      [false, true, true, true, "write"],
      [false, true, true, false, "write"],
    ];

  it.each(rows)(
    "empty %s, modified %s, permanent %s, refresh %s: %s",
    (empty, modified, permanent, refresh, outcome) => {
      for (const accessed of [false, true]) {
        const decision = decide({
          ...state,
          empty,
          modified,
          permanent,
          refreshEachRequest: refresh,
          accessed,
        });
        expect(decision).toEqual({ outcome, vary: accessed || outcome !== "nothing" });
      }
    },
  );

  it("does nothing at all with a null session, whatever happened to it", () => {
    expect(decide({ ...state, isNull: true, accessed: true, modified: true, permanent: true })).toEqual({
      outcome: "nothing",
      vary: false,
    });
  });

  it("refreshes once the age has reached refreshAfter, and when the age is unknown", () => {
    const permanent = { ...state, permanent: true, refreshAfter: 60 };
    expect(decide({ ...permanent, age: 59.9 }).outcome).toBe("nothing");
    expect(decide({ ...permanent, age: 60 }).outcome).toBe("refresh");
    expect(decide({ ...permanent, age: undefined }).outcome).toBe("refresh");
  });
});

describe("decideRecord", () => {
  const nothing: RecordDecision = {
    outcome: "nothing",
    vary: false,
    end: false,
    create: false,
    write: false,
    touch: false,
    rotate: "no",
  };
  const sent = { outcome: "write", vary: true } as const;
  const refreshed = { outcome: "refresh", vary: true } as const;
  const removed = { outcome: "delete", vary: true } as const;

  /** The defaults: Flask's, a session that holds something, and a request that did nothing. */
  function decided(state: Partial<RecordSaveState>): RecordDecision {
    return decideRecord({
      empty: false,
      modified: false,
      accessed: false,
      permanent: false,
      refreshEachRequest: true,
      isStored: false,
      isDestroyed: false,
      isCleared: false,
      isRegenerated: false,
      isFailure: false,
      isChanged: false,
      isTouchDue: false,
      isRotationDue: false,
      isCookieDue: false,
      isCookieDeletionDue: false,
      ...state,
    });
  }

  const written = { modified: true, isChanged: true };
  const due = { isTouchDue: true, isRotationDue: true, isCookieDue: true, isChanged: true, permanent: true };
  const lastKeyOut = { ...written, empty: true };

  it.each<[string, Partial<RecordSaveState>, Partial<RecordDecision>]>([
    ["nothing came in and nothing was done", { empty: true }, {}],
    ["it was looked for", { empty: true, accessed: true }, { vary: true }],
    ["the first key is written", written, { ...sent, create: true }],
    ["the first key is written and the request fails", { ...written, isFailure: true }, {}],
    ["nothing is left of what was written", lastKeyOut, removed],
    ["the browser holds the cookie of one that is over", { empty: true, isCookieDeletionDue: true }, removed],
    ["it is ended", { empty: true, isDestroyed: true }, {}],
    ["all is due that a record needs", { empty: true, isRegenerated: true, ...due }, {}],
  ])("without a record: %s", (_, state, decision) => {
    expect(decided(state)).toEqual({ ...nothing, ...decision });
  });

  it.each<[string, Partial<RecordSaveState>, Partial<RecordDecision>]>([
    ["nothing was done", {}, {}],
    ["it was looked at", { accessed: true }, { vary: true }],
    ["a key is written", written, { write: true }],
    ["a key is written, permanent", { ...written, permanent: true }, { ...sent, write: true }],
    [
      "a key is written, permanent, without refreshing",
      { ...written, permanent: true, refreshEachRequest: false },
      { ...sent, write: true },
    ],
    ["it is called modified and is not, permanent", { modified: true, permanent: true }, {}],
    ["only messages go back, permanent", { isChanged: true, permanent: true }, { ...refreshed, write: true }],
    [
      "only messages go back after a failure, permanent, without refreshing",
      { ...written, isFailure: true, permanent: true, refreshEachRequest: false },
      { write: true },
    ],
    [
      "only messages go back, permanent, without refreshing",
      { isChanged: true, permanent: true, refreshEachRequest: false },
      { write: true },
    ],
    ["activity is to be noted", { isTouchDue: true }, { touch: true }],
    [
      "activity is to be noted, permanent",
      { isTouchDue: true, permanent: true },
      { ...refreshed, touch: true },
    ],
    [
      "activity is to be noted, permanent, without refreshing",
      { isTouchDue: true, permanent: true, refreshEachRequest: false },
      { touch: true },
    ],
    ["the token has served", { isRotationDue: true }, { ...refreshed, rotate: "periodic" }],
    ["a new identity", { isRegenerated: true, isRotationDue: true }, { ...refreshed, rotate: "fresh" }],
    [
      "a new identity in a failed request",
      { isRegenerated: true, isFailure: true },
      { ...refreshed, rotate: "fresh" },
    ],
    ["the browser needs its cookie", { isCookieDue: true }, refreshed],
    [
      "the browser needs its cookie, and a key is written",
      { ...written, isCookieDue: true },
      { ...sent, write: true },
    ],
    ["another one is over", { isCookieDeletionDue: true }, {}],
    ["the last key is taken out", lastKeyOut, { write: true }],
    ["all is dropped", { ...lastKeyOut, isCleared: true }, { ...removed, end: true }],
    [
      "all is dropped and the request fails",
      { ...lastKeyOut, isCleared: true, isFailure: true },
      { write: true },
    ],
    ["all is dropped and called unmodified", { empty: true, isCleared: true }, {}],
    ["all is dropped and something is written", { ...written, isCleared: true }, { write: true }],
    ["it is ended", { empty: true, isDestroyed: true }, { ...removed, end: true }],
    [
      "it is ended while all is due",
      { empty: true, isDestroyed: true, isRegenerated: true, ...due },
      { ...removed, end: true },
    ],
    [
      "it is ended in a failed request",
      { empty: true, isDestroyed: true, isFailure: true },
      { ...removed, end: true },
    ],
    [
      "it is ended, and another one begins",
      { ...written, isDestroyed: true },
      { ...sent, end: true, create: true },
    ],
    [
      "it is ended, another one begins, and the request fails",
      { ...written, isDestroyed: true, isFailure: true },
      { ...removed, end: true },
    ],
  ])("with a record: %s", (_, state, decision) => {
    expect(decided({ isStored: true, ...state })).toEqual({ ...nothing, ...decision });
  });
});
