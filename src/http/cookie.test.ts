import { describe, expect, it } from "vitest";
import { asciiDomain, checkCookieName, dumpCookie, parseCookie, readCookie, toSameSite } from "./cookie.ts";
import { ConfigError } from "../errors.ts";

describe("readCookie", () => {
  const headers = [
    "",
    "session",
    "session=",
    "session=abc",
    "a=1; session=abc; b=2",
    "a=1;session=abc;b=2",
    " session = abc ",
    "\tsession\t=\tabc\t; x=1",
    "session=first; session=second",
    "session=; session=second",
    "xsession=1; session=2",
    "session2=1; session=2",
    "a=session=1; session=2",
    "a=session; session=2",
    "Session=1",
    "SESSION=1; session=2",
    "session=a=b",
    "session==a",
    ";;session=a;;",
    "=session; session=1",
    "a=1,session=2",
    'session="quoted"',
    'session="a;b"; x=1',
    'a="; session=evil; b="',
    'a="x; session=good',
    '$Version=1; session="a\\"b"',
    "\u00a0session=1; session=2",
    "s\u00e9ssion=1; session=2",
    "session=%20",
  ];

  it.each(headers)("finds in %j what parsing the whole header finds first", (header) => {
    const expected = parseCookie(header).find(([name]) => name === "session")?.[1];
    expect(readCookie(header, "session")).toBe(expected);
  });

  it("takes no other white space than space and tab for padding of a name", () => {
    expect(readCookie("\u00a0session=1", "session")).toBeUndefined();
    expect(readCookie("a=1;\u3000session=1", "session")).toBeUndefined();
  });

  it("stays linear on a hostile header", () => {
    for (const hostile of [
      "session".repeat(200_000),
      '"'.repeat(200_000),
      '="\\'.repeat(100_000),
      "=".repeat(500_000),
    ]) {
      expect(readCookie(`${hostile}; session=1`, "session")).toBeTypeOf("string");
    }
  });
});

describe("dumpCookie", () => {
  it("writes the attributes in Werkzeug's order", () => {
    const line = dumpCookie("session", "v", {
      partitioned: true,
      sameSite: "None",
      path: "/p",
      httpOnly: true,
      maxAge: 5,
      expires: 0,
      domain: "..A.b:1",
    });
    expect(line).toBe(
      "session=v; Domain=A.b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5; Secure; HttpOnly; Path=/p; SameSite=None; Partitioned",
    );
  });

  it("gives a header of one line whatever the value and the path", () => {
    const line = dumpCookie("s", "a\r\nSet-Cookie: x=1;\u0000", { path: "/\r\nSet-Cookie: y=2; z" });
    expect(line).toBe('s="a\\015\\012Set-Cookie: x=1\\073\\000"; Path=/%0D%0ASet-Cookie:%20y=2%3B%20z');
  });
});

describe("cookie settings", () => {
  it("accepts cookie tokens as names and nothing else", () => {
    expect(checkCookieName("__Host-session")).toBe("__Host-session");
    for (const name of ["", "a b", "a;b", "a=b", "é", "a\n", 'a"b', "a,b"]) {
      expect(() => checkCookieName(name)).toThrow(ConfigError);
    }
  });

  it("knows SameSite in any capitalisation", () => {
    expect(["strict", "LAX", "None", "maybe", ""].map(toSameSite)).toEqual([
      "Strict",
      "Lax",
      "None",
      undefined,
      undefined,
    ]);
  });

  it("sends only what is not ASCII through IDNA", () => {
    expect(["Example.COM", ".a.b:80", "münchen.example", "例子.example"].map(asciiDomain)).toEqual([
      "Example.COM",
      "a.b",
      "xn--mnchen-3ya.example",
      "xn--fsqu00a.example",
    ]);
  });
});
