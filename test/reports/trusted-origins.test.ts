/**
 * Origins that are trusted are compared whole, and what is no list of origins is refused at the start: in a string, every part of
 * it would be found.
 *
 * - FlowiseAI/Flowise#5335: `indexOf` in a string of allowed origins
 * - hangwin/mcp-chrome#384: an origin that begins like an allowed one opens a socket
 */
import { describe, expect, it } from "vitest";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as socketSessions } from "../../src/adapters/socket.ts";
import { ConfigError, SessionManager } from "../../src/index.ts";
import { crossOriginProtection } from "../../src/csrf.ts";

const APP = "https://app.example.com";
const secretKey = "origins";

describe.each<[string, (origins: never) => unknown]>([
  ["origins of hipflask/socket", (origins) => socketSessions({ secretKey }, { origins })],
  ["origins of hipflask/express", (origins) => expressSessions({ secretKey }, { origins })],
  ["trustedOrigins", (trustedOrigins) => crossOriginProtection({ trustedOrigins })],
  [
    "crossOriginProtection of the options",
    (trustedOrigins) => new SessionManager({ secretKey, crossOriginProtection: { trustedOrigins } }),
  ],
])("%s", (_, configure) => {
  it.each([APP, "", "ANY", null, true, {}, new Set([APP]), new URL(APP)])(
    "refuse %s, which is no list",
    (origins) => {
      expect(() => configure(origins as never)).toThrow(ConfigError);
    },
  );

  it.each([
    `${APP}/`,
    `${APP}/chat`,
    "app.example.com",
    "*",
    "null",
    "",
    undefined,
    null,
    1,
    /example/,
    new URL(APP),
  ])("refuse %s, which is no origin", (origin) => {
    expect(() => configure([APP, origin] as never)).toThrow(ConfigError);
  });

  it.each([[[]], [[APP, "http://localhost:5173", "capacitor://localhost"]]])("take %j", (origins) => {
    expect(() => configure(origins as never)).not.toThrow();
  });
});

describe("a socket", () => {
  it.each([`${APP}.evil.example`, "https://app.example.co", "https://app", "https", ""])(
    "is not opened for pages of %j",
    async (origin) => {
      const { fromRequest } = socketSessions({ secretKey }, { origins: [APP] });
      const headers = { host: "api.example.com", origin };
      await expect(fromRequest(new Request("https://api.example.com", { headers }))).rejects.toThrow(
        "another origin",
      );
    },
  );
});
