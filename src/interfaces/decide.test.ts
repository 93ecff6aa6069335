import { describe, expect, it } from "vitest";
import { decide, type Outcome } from "./decide.ts";

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
