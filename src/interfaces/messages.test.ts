import { describe, expect, it } from "vitest";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { SessionState } from "../session/state.ts";
import { applyFieldChanges } from "../stores/parts/record.ts";
import { withMessagesMerged } from "./messages.ts";

const json = new TaggedJSONSerializer({ sortKeys: false });
const fieldsOf = (data: Record<string, unknown>) => json.fieldsOf(data);

/** What is stored after a request that began with `opened`, if others had stored `stored` by then. */
function after(
  opened: Record<string, unknown>,
  stored: Record<string, unknown>,
  view: (state: SessionState) => void,
): Record<string, unknown> {
  const state = new SessionState({ json, open: () => ({ fields: fieldsOf(opened) }) });
  view(state);
  const changes = withMessagesMerged(state.changes(), fieldsOf(opened), json);
  const fields = applyFieldChanges(fieldsOf(stored), changes);
  return Object.fromEntries(Array.from(fields, ([key, text]) => [key, json.loads(text)]));
}

describe("withMessagesMerged", () => {
  it("touches only the keys that the request touched", () => {
    const act = (state: SessionState) => (state.set("mine", 1), state.delete("gone"));
    expect(after({ gone: 1, old: 1 }, { gone: 2, old: 2, theirs: 3 }, act)).toEqual({
      old: 2,
      theirs: 3,
      mine: 1,
    });
  });

  it("repeats a transaction on what is stored", () => {
    const count = (state: SessionState) => state.transact("n", (n) => Number(n ?? 0) + 1);
    expect(after({ n: 1 }, { n: 41 }, count)).toEqual({ n: 42 });
    expect(after({ n: 1 }, {}, count)).toEqual({ n: 1 });
  });

  it("keeps only the named keys under a new identity, including those written by other requests", () => {
    const act = (state: SessionState) => (state.regenerate(["cart"]), state.set("user", "ada"));
    expect(after({ cart: [1] }, { cart: [1, 2], planted: 1 }, act)).toEqual({ cart: [1, 2], user: "ada" });
  });

  it("keeps messages that others left, and brings none back that was taken", () => {
    const flashed = (...texts: string[]) => ({ _flashes: texts.map((text) => ["message", text]) });
    const flash = (text: string) => (state: SessionState) =>
      state.set("_flashes", [...((state.get("_flashes") as unknown[] | undefined) ?? []), ["message", text]]);
    const take = (state: SessionState) => state.delete("_flashes");
    expect(after(flashed("a"), flashed("a", "b"), flash("c"))).toEqual(flashed("a", "b", "c"));
    expect(after({}, flashed("b"), flash("c"))).toEqual(flashed("b", "c"));
    expect(after(flashed("a"), flashed("a", "b"), take)).toEqual(flashed("b"));
    expect(after(flashed("a"), {}, take)).toEqual({});
    expect(after(flashed("a"), {}, flash("c"))).toEqual(flashed("c"));
    const both = (state: SessionState) => (take(state), flash("c")(state));
    expect(after(flashed("a"), flashed("a", "b"), both)).toEqual(flashed("b", "c"));
    expect(after(flashed("a"), { _flashes: "nonsense" }, flash("c"))).toEqual(flashed("c"));
  });
});
