import { describe, expect, it } from "vitest";
import { otherPlaces, possibleDomains, possiblePaths } from "./cookie-places.ts";

const at = (url: string, host?: string) => ({
  url,
  headers: new Headers(host === undefined ? {} : { Host: host }),
});

describe("possibleDomains", () => {
  it.each<[string, string | undefined, (string | undefined)[]]>([
    ["https://shop.example.com:8443/cart", undefined, [undefined, "shop.example.com", "example.com"]],
    ["/cart", "Shop.Example.com:80", [undefined, "shop.example.com", "example.com"]],
    [
      "https://a.b.c.d.e.example.com/",
      undefined,
      [undefined, "c.d.e.example.com", "d.e.example.com", "e.example.com", "example.com"],
    ],
    ["/", "localhost:3000", [undefined]],
    ["/", "127.0.0.1:3000", [undefined]],
    ["/", "[::1]:3000", [undefined]],
    ["/", 'evil.example.com; Path="/', [undefined]],
    ["/", `${"a.".repeat(200_000)}com`, [undefined]],
    ["/", undefined, [undefined]],
  ])("of %s at %s", (url, host, expected) => {
    expect(possibleDomains(at(url, host))).toEqual(expected);
  });
});

describe("possiblePaths", () => {
  it.each([
    ["https://example.com", ["/"]],
    ["/", ["/"]],
    ["/shop/cart?a=/b", ["/", "/shop", "/shop/", "/shop/cart"]],
    ["https://example.com/shop/#x", ["/", "/shop", "/shop/"]],
    ["/a/b/c/d/e", ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/b/c/"]],
  ])("of %s", (url, expected) => {
    expect(possiblePaths(at(url))).toEqual(expected);
  });
});

describe("otherPlaces", () => {
  it("are all but the one that is kept", () => {
    const request = at("/shop", "www.example.com");
    expect(otherPlaces("session", { domain: ".example.com", path: "/" }, request)).toEqual([
      { domain: undefined, path: "/" },
      { domain: undefined, path: "/shop" },
      { domain: "www.example.com", path: "/" },
      { domain: "www.example.com", path: "/shop" },
      { domain: "example.com", path: "/shop" },
    ]);
  });

  it("are none for a name that has one place only", () => {
    expect(otherPlaces("__Host-session", { domain: undefined, path: "/" }, at("/", "a.example.com"))).toEqual(
      [],
    );
  });
});
