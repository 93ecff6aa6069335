import { describe, expect, it } from "vitest";
import { publicNames } from "../support/public-api.ts";

const names = publicNames();
const where = ({ name, subpath, declaredIn }: (typeof names)[number]) =>
  `${name} from "hipflask${subpath.slice(1)}" (${declaredIn})`;

/** Errors are caught and not made: their base class shows how, once for all of them. */
const isError = (name: string) => /(?:Error|Expired|^Bad[A-Z]\w+)$/.test(name) && name !== "HipflaskError";

describe("every public name", () => {
  it("says what it is", () => {
    expect(names.filter(({ doc }) => doc.trim() === "").map(where)).toEqual([]);
  });

  it("shows how it is used, if it is a function or a class", () => {
    const silent = names.filter(
      ({ name, kind, examples }) =>
        (kind === "function" || kind === "class") &&
        !(kind === "class" && isError(name)) &&
        !examples.some((example) => example.includes("```ts")),
    );
    expect(silent.map(where)).toEqual([]);
  });
});
