import { describe, expect, it } from "vitest";
import { pastedValue } from "./pasted-value.ts";

describe("pastedValue", () => {
  it.each([
    ["eyJhIjoxfQ.aZ.x-_y", "session", "eyJhIjoxfQ.aZ.x-_y"],
    [" \n value\t", undefined, "value"],
    ["session=value", "session", "value"],
    ["session = value ", undefined, "value"],
    ["Cookie: theme=dark; session=value; id=3", "session", "value"],
    ["cookie:theme=dark; session=value", undefined, "dark"],
    ["Set-Cookie: session=value; HttpOnly; Path=/", "session", "value"],
    ["SET-COOKIE:  other=value; Path=/", "session", "value"],
    ["theme=dark; my-session=1;session=value", "session", "value"],
    ['session="quoted value"', "session", "quoted value"],
    ['session=half"', "session", 'half"'],
    ['session="half', "session", '"half'],
    ["session=cookie: name", "session", "cookie: name"],
  ])("finds the value in %j, of the cookie %j", (text, name, value) => {
    expect(pastedValue(text, name)).toBe(value);
  });
});
