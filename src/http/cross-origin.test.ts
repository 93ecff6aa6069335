import { describe, expect, it } from "vitest";
import { ConfigError, ForeignOriginError } from "../errors.ts";
import { crossOriginProtection, type CrossOriginOptions } from "./cross-origin.ts";

type Sent = Record<string, string>;

function verdict(method: string | undefined, sent: Sent, options?: CrossOriginOptions, url?: string): string {
  try {
    crossOriginProtection(options)({ method, url, headers: new Headers(sent) });
    return "passes";
  } catch (error) {
    if (!(error instanceof ForeignOriginError)) throw error;
    return `refused: ${error.origin}`;
  }
}

const Host = "shop.example";
const own = "https://shop.example";
const evil = "https://evil.example";
const site = (name: string, more: Sent = {}) => ({ Host, "Sec-Fetch-Site": name, ...more });
const from = (Origin: string, more: Sent = {}) => ({ Host, Origin, ...more });

describe("crossOriginProtection (SEC-70)", () => {
  it.each<[string, Sent, string]>([
    // What is safe passes, wherever it comes from.
    ["GET", site("cross-site", { Origin: evil }), "passes"],
    ["HEAD", site("cross-site", { Origin: evil }), "passes"],
    ["OPTIONS", site("cross-site", { Origin: evil }), "passes"],
    ["GET", from(evil), "passes"],
    // By Sec-Fetch-Site, which a page cannot set.
    ["POST", site("same-origin"), "passes"],
    ["POST", site("none"), "passes"],
    ["POST", site("same-origin", { Origin: evil }), "passes"],
    ["POST", site("cross-site", { Origin: evil }), `refused: ${evil}`],
    ["POST", site("cross-site", { Origin: own }), `refused: ${own}`],
    ["POST", site("same-site", { Origin: "https://blog.example" }), "refused: https://blog.example"],
    ["POST", site("cross-site"), "refused: "],
    ["POST", site("unheard-of"), "refused: "],
    ["POST", site("SAME-ORIGIN"), "refused: "],
    ["POST", site("same-origin, cross-site"), "refused: "],
    ["PUT", site("cross-site"), "refused: "],
    ["PATCH", site("cross-site"), "refused: "],
    ["DELETE", site("cross-site"), "refused: "],
    ["TRACE", site("cross-site"), "refused: "],
    ["get", site("cross-site"), "refused: "],
    ["QUERY", site("cross-site"), "refused: "],
    // By Origin, where there is no such header.
    ["POST", from(own), "passes"],
    ["POST", from(own, { "Sec-Fetch-Site": "" }), "passes"],
    ["POST", from("http://shop.example"), "passes"],
    ["POST", from("https://SHOP.example"), "passes"],
    ["POST", from("https://shop.example:443"), "passes"],
    ["POST", from(own, { Host: "shop.example:443" }), "passes"],
    ["POST", from("http://shop.example", { Host: "shop.example:80" }), "passes"],
    ["POST", from("https://shop.example:8443"), "refused: https://shop.example:8443"],
    ["POST", from(own, { Host: "shop.example:8443" }), `refused: ${own}`],
    ["POST", from("http://localhost:3000", { Host: "localhost:3000" }), "passes"],
    ["POST", from("http://localhost:3001", { Host: "localhost:3000" }), "refused: http://localhost:3001"],
    ["POST", from("http://[::1]:3000", { Host: "[::1]:3000" }), "passes"],
    ["POST", from(evil), `refused: ${evil}`],
    ["POST", from("https://shop.example.evil.example"), "refused: https://shop.example.evil.example"],
    ["POST", from("https://a.shop.example"), "refused: https://a.shop.example"],
    ["POST", from("https://shop.example@evil.example"), "refused: https://shop.example@evil.example"],
    ["POST", from("null"), "refused: null"],
    ["POST", from("file://"), "refused: file://"],
    ["POST", from("no origin at all"), "refused: no origin at all"],
    ["POST", { Origin: own }, `refused: ${own}`],
    // Without either it is no browser, and no cookies are sent unasked.
    ["POST", { Host }, "passes"],
    ["POST", from(""), "passes"],
  ])("%s with %j %s", (method, sent, expected) => expect(verdict(method, sent)).toBe(expected));

  it("does not judge a request whose method is not known", () =>
    expect(verdict(undefined, site("cross-site"))).toBe("passes"));

  it("uses the host of the URL without a Host header, as in a web-standard Request", () => {
    const request = (Origin: string) => new Request(`${own}/login`, { method: "POST", headers: { Origin } });
    const protect = crossOriginProtection();
    expect(() => protect(request(own))).not.toThrow();
    expect(() => protect(request(evil))).toThrow(ForeignOriginError);
  });

  it("lets trusted origins through, and nothing that merely resembles them", () => {
    const options = {
      trustedOrigins: ["https://app.example", "http://localhost:5173", "capacitor://localhost"],
    };
    for (const origin of options.trustedOrigins) {
      expect(verdict("POST", from(origin), options)).toBe("passes");
      expect(verdict("POST", site("cross-site", { Origin: origin }), options)).toBe("passes");
    }
    for (const origin of [
      "http://app.example",
      "https://app.example:444",
      "https://x.app.example",
      "null",
      "",
    ])
      expect(verdict("POST", site("cross-site", { Origin: origin }), options)).toBe(`refused: ${origin}`);
  });

  it.each([
    ["https://app.example/", 'write "https://app.example"'],
    ["https://app.example/path", 'write "https://app.example"'],
    ["https://APP.example", 'write "https://app.example"'],
    ["https://app.example:443", 'write "https://app.example"'],
    ["app.example", 'such as "https://app.example.com"'],
    ["*", 'such as "https://app.example.com"'],
    ["null", 'such as "https://app.example.com"'],
    ["", 'such as "https://app.example.com"'],
  ])("refuses to trust %j, and says what to write", (origin, hint) => {
    expect(() => crossOriginProtection({ trustedOrigins: [origin] })).toThrow(ConfigError);
    expect(() => crossOriginProtection({ trustedOrigins: [origin] })).toThrow(hint);
  });

  it("asks `exempt` of what it would refuse, and of nothing else", () => {
    const asked: unknown[] = [];
    const exempt: CrossOriginOptions["exempt"] = ({ url }) => (asked.push(url), url === "/saml");
    expect(verdict("POST", site("cross-site"), { exempt }, "/saml")).toBe("passes");
    expect(verdict("POST", site("cross-site"), { exempt }, "/saml?x")).toBe("refused: ");
    expect(verdict("POST", site("same-origin"), { exempt }, "/own")).toBe("passes");
    expect(asked).toEqual(["/saml", "/saml?x"]);
  });
});
