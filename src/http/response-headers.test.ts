import { describe, expect, it } from "vitest";
import { forbidStoring, varyOnCookie } from "./response-headers.ts";

describe("varyOnCookie", () => {
  it.each([
    [null, "Cookie"],
    ["", "Cookie"],
    ["Accept-Encoding", "Accept-Encoding, Cookie"],
    ["accept, cookie", "accept, cookie"],
    ["COOKIE", "COOKIE"],
    ["*", "*, Cookie"],
    ["Cookie-Consent", "Cookie-Consent, Cookie"],
  ])("turns Vary: %s into %s", (given, expected) => {
    const headers = new Headers(given === null ? {} : { Vary: given });
    varyOnCookie(headers);
    expect(headers.get("Vary")).toBe(expected);
  });

  it("merges several Vary lines instead of losing all but one", () => {
    const headers = new Headers();
    headers.append("Vary", "Accept");
    headers.append("Vary", "Origin");
    varyOnCookie(headers);
    expect(headers.get("Vary")).toBe("Accept, Origin, Cookie");
  });
});

describe("forbidStoring", () => {
  it.each([
    [null, "no-store"],
    ["", "no-store"],
    ["no-store", "no-store"],
    ["No-Store, max-age=0", "No-Store, max-age=0"],
    ["public, max-age=60", "max-age=60, no-store"],
    ["private, must-revalidate", "private, must-revalidate, no-store"],
    ["s-maxage=9, immutable, PUBLIC", "no-store"],
    ['no-cache="Set-Cookie, X"', 'no-cache="Set-Cookie, X", no-store'],
  ])("turns Cache-Control: %s into %s", (given, expected) => {
    const headers = new Headers(given === null ? {} : { "Cache-Control": given });
    forbidStoring(headers);
    expect(headers.get("Cache-Control")).toBe(expected);
  });

  it("tells what it removed, also where no-store was there already", () => {
    const removed = (given: string) => forbidStoring(new Headers({ "Cache-Control": given }));
    expect(removed("public, max-age=60")).toEqual(["public"]);
    expect(removed("no-store, S-MaxAge=9, immutable")).toEqual(["S-MaxAge=9", "immutable"]);
    expect(removed("no-store")).toEqual([]);
    expect(removed("private")).toEqual([]);
  });

  it("forbids it to content networks as well, which have headers of their own", () => {
    const headers = new Headers({
      "CDN-Cache-Control": "max-age=600",
      "Surrogate-Control": "max-age=600",
      "X-Accel-Expires": "600",
      "Vercel-CDN-Cache-Control": "No-Store",
    });
    expect(forbidStoring(headers)).toEqual([
      "CDN-Cache-Control: max-age=600",
      "Surrogate-Control: max-age=600",
      "X-Accel-Expires: 600",
    ]);
    expect(Object.fromEntries(headers)).toEqual({
      "cache-control": "no-store",
      "cdn-cache-control": "no-store",
      "surrogate-control": "no-store",
      "vercel-cdn-cache-control": "No-Store",
      "x-accel-expires": "0",
    });
    expect(forbidStoring(headers)).toEqual([]);
  });
});
