import { describe, expect, it } from "vitest";
import { ConfigError, ForeignOriginError } from "../errors.ts";
import { optionsFromFlask } from "./flask-options.ts";
import { SessionManager } from "./manager.ts";
import type { SessionOptions } from "./options.ts";
import { resolveOptions } from "./resolve-options.ts";

const strong = "c29tZSByYW5kb20gYnl0ZXMgZnJvbSAvZGV2L3VyYW5kb20";

describe("resolveOptions", () => {
  it("has Flask's defaults", () => {
    expect(resolveOptions({})).toMatchObject({
      codec: null,
      cookieName: "session",
      cookieDomain: undefined,
      cookiePath: "/",
      cookieHttpOnly: true,
      cookieSecure: false,
      cookieSameSite: undefined,
      cookiePartitioned: false,
      lifetime: 2_678_400,
      refreshEachRequest: true,
      maxCookieSize: 4093,
      oversize: "warn",
    });
  });

  it.each([undefined, null, "", new Uint8Array()])(
    "makes null sessions of the secret key %j",
    (secretKey) => {
      expect(resolveOptions({ secretKey }).codec).toBeNull();
    },
  );

  const wrong: [string, object, RegExp][] = [
    ["a number for a secret", { secretKey: 12345 }, /secretKey/],
    ["a list for a secret", { secretKey: ["a", "b"] }, /secretKey/],
    ["a string for fallbacks", { secretKey: "a", secretKeyFallbacks: "old" }, /secretKeyFallbacks/],
    ["an empty fallback", { secretKey: "a", secretKeyFallbacks: [""] }, /secretKeyFallbacks/],
    ["express-session's secret", { secret: "a" }, /Write secretKey/],
    ["a cookie object", { cookie: { secure: true } }, /cookieSecure/],
    ["maxAge", { maxAge: 60 }, /lifetime \(in seconds\)/],
    ["a name of Flask's", { SESSION_COOKIE_NAME: "a" }, /optionsFromFlask/],
    ["a word nobody knows", { weather: 1 }, /There is no option "weather"\. See https/],
    ["a typo", { cookieNmae: "a" }, /There is no option "cookieNmae"\. Did you mean "cookieName"\?/],
    ["another capitalisation", { secretkey: "a" }, /Did you mean "secretKey"\?/],
    ["a letter too many", { lifetimes: 1 }, /Did you mean "lifetime"\?/],
    ["an old spelling", { cookieSamesite: "Lax" }, /Did you mean "cookieSameSite"\?/],
    ["a long typo", { secretKeyFallback: [] }, /Did you mean "secretKeyFallbacks"\?/],
    ["no lifetime at all", { lifetime: 0 }, /"lifetime" must be greater than 0/],
    ["a negative lifetime", { lifetime: -60 }, /"lifetime" must be a number of seconds from 0 on/],
    [
      "a lifetime in milliseconds",
      { lifetime: 31 * 86_400_000 },
      /in seconds, and browsers keep .* 2678400000 are 31000 days\. .* write 2678400\./,
    ],
    ["a day in milliseconds", { lifetime: 86_400_000 }, /write 86400\./],
    [
      "an hour in milliseconds",
      { lifetime: 3_600_000 },
      /in seconds\. 3600000 are 41\.7 days\. If 3600000 are milliseconds, write 3600; if not, write whole days/,
    ],
    ["a quarter of an hour in milliseconds", { storeOptions: { idleTimeout: 900_000 } }, /write 900;/],
    ["more than browsers keep", { lifetime: 400 * 86_400 + 1 }, /400 days/],
    [
      "an idle limit in milliseconds",
      { storeOptions: { idleTimeout: 86_400_000 } },
      /"idleTimeout" is in seconds/,
    ],
    [
      "a store's limit in milliseconds",
      { storeOptions: { storeTimeout: 2000 } },
      /^"storeTimeout" is in seconds, and the maximum is 600 seconds\. If 2000 are milliseconds, write 2\./,
    ],
    ["a negative size", { maxCookieSize: -1 }, /"maxCookieSize" must be a number of bytes from 0 on/],
    ["no size", { maxCookieSize: Infinity }, /"maxCookieSize" must be a number of bytes/],
    [
      "no limit of sessions",
      { storeOptions: { maxPerOwner: Infinity } },
      /"maxPerOwner" must be a number of sessions/,
    ],
    [
      "a negative rhythm",
      { storeOptions: { touchEvery: -1 } },
      /"touchEvery" must be a number of seconds from 0 on/,
    ],
    [
      "SameSite=None without Secure",
      { cookieSameSite: "none" },
      /ignore without Secure; write cookieSecure: true/,
    ],
    ["half a protection", { crossOriginProtection: "yes" }, /"crossOriginProtection" must be true, false/],
    ["a trusted host", { crossOriginProtection: { trustedOrigins: ["app.example"] } }, /not an origin/],
    ["__proto__", JSON.parse('{"__proto__": 1}') as object, /There is no option/],
    ["a string for a boolean", { cookieHttpOnly: "true" }, /must be a boolean/],
    ["a word for a boolean", { cookieSecure: "true" }, /must be true, false or "auto"/],
    ["a string for seconds", { lifetime: "31d" }, /must be a number/],
    ["NaN seconds", { lifetime: Number.NaN }, /must be a number of seconds/],
    ["a SameSite word", { cookieSameSite: "maybe" }, /"Strict", "Lax" or "None"/],
    ["an empty SameSite", { cookieSameSite: "" }, /"Strict", "Lax" or "None"/],
    ["a name with a space", { cookieName: "my session" }, /not a cookie name/],
    ["a name with a line break", { cookieName: "a\r\nSet-Cookie: b" }, /not a cookie name/],
    ["a domain that ends the attribute", { cookieDomain: "a.example; Path=/x" }, /cookieDomain/],
    ["a domain with a space", { cookieDomain: "a example" }, /cookieDomain/],
    ["a list of domains", { cookieDomain: "a.example,b.example" }, /cookieDomain/],
    ["a URL for a domain", { cookieDomain: "https://a.example/" }, /cookieDomain/],
    ["a path with a line break", { cookiePath: "/\r\nX: y" }, /cookiePath/],
    ["a wrong oversize", { oversize: "split" }, /"warn" or "throw"/],
    ["a path that browsers ignore", { cookiePath: `/${"x".repeat(1024)}` }, /cookiePath.*1024/],
    ["something to clear that is nothing", { clearSiteData: ["local"] }, /clearSiteData.*"storage"/],
    ["a number to clear", { clearSiteData: 1 }, /clearSiteData.*"storage"/],
    ["a wrong codec", { codec: "jwt" }, /"flask" or "sealed"/],
    [
      "an option of the codec",
      { secretKey: "a", digest: "sha256" },
      /codec: flaskCodec\(\{ secretKey, digest: … \}\)/,
    ],
    ["an option of stored sessions", { idleTimeout: 60 }, /storeOptions: \{ idleTimeout: … \}/],
    [
      "a rotation that is no time",
      { storeOptions: { rotateAfter: "soon" } },
      /"rotateAfter" must be a number/,
    ],
    ["milliseconds in the group", { storeOptions: { idleTimeout: 86_400_000 } }, /write 86400\b/],
    [
      "a mistyped option in the group",
      { storeOptions: { idleTimout: 60 } },
      /in "storeOptions". Did you mean "idleTimeout"/,
    ],
    [
      "an option that is not of the group",
      { storeOptions: { lifetime: 60 } },
      /"lifetime" is an option beside/,
    ],
    ["a group that is a list", { storeOptions: [] }, /"storeOptions" must be an object/],
  ];

  it.each(wrong)("refuses %s and says what to write instead", (_, options, message) => {
    expect(() => new SessionManager(options as SessionOptions)).toThrow(ConfigError);
    expect(() => new SessionManager(options as SessionOptions)).toThrow(message);
  });

  it.each([60, 600, 3600, 86_400, 604_800, 15 * 86_400, 2_678_400, 90 * 86_400, 400 * 86_400, 1_000_000])(
    "accepts a lifetime of %d seconds",
    (lifetime) => {
      expect(resolveOptions({ secretKey: "a", lifetime }).lifetime).toBe(lifetime);
    },
  );

  it("never repeats a secret that ended up under a wrong name", () => {
    for (const options of [
      { cookieSecure: strong },
      { lifetime: strong },
      { secret: strong },
      { digest: strong, secretKey: "a" },
    ]) {
      expect(() => resolveOptions(options as SessionOptions)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(strong) as string }) as Error,
      );
    }
  });
});

describe("what options allow", () => {
  it.each<SessionOptions>([
    { lifetime: 400 * 86_400 },
    { lifetime: 0.5 },
    { cookieSameSite: "None", cookieSecure: true },
    { cookieSameSite: "None", cookieSecure: "auto" },
    { cookieSameSite: "None", cookiePartitioned: true },
    { crossOriginProtection: false },
    { crossOriginProtection: { trustedOrigins: ["https://app.example"] } },
    { hardened: true, secretKey: strong, crossOriginProtection: { exempt: () => false } },
  ])("%j", (options) =>
    expect(new SessionManager({ secretKey: strong, ...options }).config.cookieName).toMatch(/session$/),
  );
});

describe("hardened", () => {
  it("refuses requests from pages of untrusted origins", () => {
    const forged = {
      method: "POST",
      headers: new Headers({ "Sec-Fetch-Site": "cross-site", Origin: "https://a.example" }),
    };
    const open = (options: SessionOptions) =>
      new SessionManager({ secretKey: strong, ...options }).requestContext(forged);
    expect(() => open({ hardened: true })).toThrow(ForeignOriginError);
    expect(() => open({ hardened: true, crossOriginProtection: true })).toThrow(ForeignOriginError);
    const trusting = { hardened: true, crossOriginProtection: { trustedOrigins: ["https://a.example"] } };
    expect(open(trusting).session.size).toBe(0);
    expect(open({}).session.size).toBe(0);
  });

  it("switches to a __Host- name, Secure, SameSite=Lax and a sealed cookie (SEC-50)", () => {
    const config = resolveOptions({ secretKey: strong, hardened: true });
    expect(config).toMatchObject({
      cookieName: "__Host-Http-session",
      cookieSecure: true,
      cookieSameSite: "Lax",
    });
    expect(config.codec?.name).toBe("sealed");
    expect(config.oversize).toBe("throw");
  });

  it.each<[string, SessionOptions]>([
    ["a name without the prefix", { cookieName: "session" }],
    ["a domain", { cookieDomain: "example.com" }],
    ["a path", { cookiePath: "/app" }],
    ["no path", { cookiePath: null }],
    ["no Secure", { cookieSecure: false }],
    ["not always Secure", { cookieSecure: "auto" }],
    ["scripts that read", { cookieHttpOnly: false }],
    ["a readable cookie", { codec: "flask" }],
    ["a lifetime beyond 400 days", { lifetime: 400 * 86_400 + 1 }],
    ["forged requests", { crossOriginProtection: false }],
    ["a short secret", { secretKey: "dev" }],
  ])("refuses %s", (_, options) => {
    expect(() => new SessionManager({ secretKey: strong, hardened: true, ...options })).toThrow(ConfigError);
  });
});

describe("optionsFromFlask", () => {
  it("gives every setting of Flask its counterpart", () => {
    const options = optionsFromFlask({
      SECRET_KEY: "new",
      SECRET_KEY_FALLBACKS: ["old"],
      SESSION_COOKIE_NAME: "shop",
      SESSION_COOKIE_DOMAIN: "example.com",
      SESSION_COOKIE_PATH: "/shop",
      SESSION_COOKIE_HTTPONLY: false,
      SESSION_COOKIE_SECURE: true,
      SESSION_COOKIE_SAMESITE: "Lax",
      SESSION_COOKIE_PARTITIONED: true,
      SESSION_REFRESH_EACH_REQUEST: false,
      PERMANENT_SESSION_LIFETIME: 3600,
      MAX_COOKIE_SIZE: 0,
      DEBUG: true,
    });
    expect(resolveOptions(options)).toMatchObject({
      cookieName: "shop",
      cookieDomain: "example.com",
      cookiePath: "/shop",
      cookieHttpOnly: false,
      cookieSecure: true,
      cookieSameSite: "Lax",
      cookiePartitioned: true,
      refreshEachRequest: false,
      lifetime: 3600,
      maxCookieSize: 0,
    });
  });

  it("takes the path from APPLICATION_ROOT when there is none, and Python's truth for switches", () => {
    expect(optionsFromFlask({ APPLICATION_ROOT: "/app", SESSION_COOKIE_PATH: "" }).cookiePath).toBe("/app");
    expect(optionsFromFlask({ APPLICATION_ROOT: null }).cookiePath).toBeNull();
    expect(optionsFromFlask({ SESSION_COOKIE_SECURE: 1 as never }).cookieSecure).toBe(true);
    expect(optionsFromFlask({ SESSION_COOKIE_SECURE: 0 as never }).cookieSecure).toBe(false);
    expect(optionsFromFlask({ SESSION_COOKIE_DOMAIN: false }).cookieDomain).toBeUndefined();
  });

  it("refuses a session setting that it cannot honour", () => {
    expect(() => optionsFromFlask({ SESSION_TYPE: "redis" })).toThrow('"SESSION_TYPE" has no counterpart');
    expect(() => resolveOptions(optionsFromFlask({ SESSION_COOKIE_SECURE: "False" as never }))).toThrow(
      ConfigError,
    );
  });
});
