import { describe, expect, it } from "vitest";
import { dumpCookie } from "./cookie.ts";
import { parseSetCookie } from "./set-cookie-line.ts";

describe("parseSetCookie", () => {
  it("reads every attribute of a line that we write", () => {
    const line = dumpCookie("session", "a=b.c_d-e", {
      domain: "example.com",
      expires: Date.UTC(2030, 0, 2, 3, 4, 5),
      maxAge: 0,
      httpOnly: true,
      path: "/a=b",
      sameSite: "Lax",
      partitioned: true,
    });
    expect(parseSetCookie(line)).toEqual({
      name: "session",
      value: "a=b.c_d-e",
      options: {
        domain: "example.com",
        expires: new Date(Date.UTC(2030, 0, 2, 3, 4, 5)),
        maxAge: 0,
        secure: true,
        httpOnly: true,
        path: "/a=b",
        sameSite: "lax",
        partitioned: true,
      },
    });
  });

  it("leaves out what is not there", () => {
    const { name, value, options } = parseSetCookie(dumpCookie("session", ""));
    expect([name, value]).toEqual(["session", ""]);
    expect(Object.entries(options).filter(([, option]) => option !== undefined && option !== false)).toEqual(
      [],
    );
  });

  it("leaves a quoted value as it travels", () => {
    expect(parseSetCookie(dumpCookie("session", 'a"b;c', { path: "/" }))).toMatchObject({
      value: '"a\\"b\\073c"',
      options: { path: "/" },
    });
  });
});
