import { describe, expect, it } from "vitest";
import { ConfigError } from "../../errors.ts";
import { cookieHeaderOf, cookieHeaders, isReadOnly, type NextCookies } from "./cookies.ts";

/** Next's store as far as it is asked: the last of several cookies of a name, decoded; deleted ones are empty. */
function storeOf(header: string, changes: Record<string, string> = {}): NextCookies {
  const pairs = header.split(/; */).filter((pair) => pair !== "");
  const sent = pairs.map((pair) => {
    const [name = "", value = ""] = pair.split(/=([^]*)/, 2);
    return [name, decodeURIComponent(value)] as const;
  });
  const cookies = new Map([...sent, ...Object.entries(changes)]);
  return {
    getAll: () => [...cookies].map(([name, value]) => ({ name, value })),
    set: (name, value) => void cookies.set(name, value),
    delete: (name) => void cookies.set(name, ""),
  };
}

describe("cookieHeaderOf", () => {
  const sent = "theme=dark%20blue; session=abc.def; session=other; empty=";

  it("is what was sent, text for text, as long as no cookie was changed", () => {
    expect(cookieHeaderOf(sent, storeOf(sent))).toBe(
      "theme=dark%20blue; session=abc.def; session=other; empty=",
    );
    expect(cookieHeaderOf("", storeOf(""))).toBe("");
  });

  it("has the cookies that were changed since, and not those that were deleted", () => {
    expect(cookieHeaderOf(sent, storeOf(sent, { session: "new", more: "1" }))).toBe(
      "theme=dark%20blue; empty=; session=new; more=1",
    );
    expect(cookieHeaderOf(sent, storeOf(sent, { session: "", theme: "" }))).toBe("empty=");
  });

  it("survives what cannot be decoded", () => {
    const store = { ...storeOf(""), getAll: () => [{ name: "bad", value: "%E0%A4%A" }] };
    expect(cookieHeaderOf("bad=%E0%A4%A; =nameless; novalue", store)).toBe("bad=%E0%A4%A");
  });
});

describe("cookieHeaders", () => {
  it("hands a cookie to Next, and refuses one that Next would change", () => {
    const set: unknown[] = [];
    const headers = cookieHeaders({ set: (...args) => set.push(args) });
    headers.append("Set-Cookie", "session=abc.d-e_f; HttpOnly; Path=/");
    headers.append("Vary", "Cookie");
    expect(set).toEqual([["session", "abc.d-e_f", expect.objectContaining({ httpOnly: true, path: "/" })]]);
    expect(() => headers.append("Set-Cookie", "session=a:b; Path=/")).toThrow(ConfigError);
  });
});

describe("isReadOnly", () => {
  it("tells a store that refuses by one function from one that writes", () => {
    const refuse = () => {
      throw new Error("Cookies can only be modified elsewhere");
    };
    expect(isReadOnly(storeOf(""))).toBe(false);
    expect(isReadOnly({ getAll: () => [], set: refuse, delete: refuse })).toBe(true);
  });
});
