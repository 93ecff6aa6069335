/**
 * No age is more than NaN, and none is more than undefined: a limit that is not a number would accept everything, so it is
 * refused where it is given.
 *
 * - Significant-Gravitas/AutoGPT#13330: `Number()` of an environment variable makes NaN of an age, and old tokens stay good
 * - dudarenok-maker/Castwright#2144: `now > NaN` is false, so a token never expires
 */
import { afterEach, describe, expect, it } from "vitest";
import { codecCookie, expressSession, fastifySecureSession, h3Session } from "../../src/accepts.ts";
import { CsrfProtect } from "../../src/csrf.ts";
import dropIn from "../../src/express-session.ts";
import {
  ConfigError,
  dumpCookie,
  flaskCodec,
  NotFreshError,
  requireFresh,
  session,
  SessionManager,
  TaggedJSONSerializer,
} from "../../src/index.ts";
import { startSweep, sweepOnce } from "../../src/stores/contract.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { testClock } from "../../src/testing/clock.ts";

const secretKey = "limits";
const NONE = [undefined, null, NaN, "", "5 minutes", "300", {}, [], Promise.resolve(300), -1, true];

const closing: SessionManager[] = [];
afterEach(async () => {
  for (const manager of closing.splice(0)) await manager.close();
});

describe("requireFresh", () => {
  const loggedIn = async (view: () => void) => {
    const clock = testClock();
    const manager = new SessionManager({ secretKey, store: memoryStore({ now: clock.now }), now: clock.now });
    closing.push(manager);
    const headers = new Headers();
    const login = manager.requestContext({ headers: new Headers() });
    login.run(() => (session.owner = "ada"));
    await login.save({ headers });
    clock.advance(10);
    const cookie = headers.getSetCookie()[0]!.split(";", 1)[0]!;
    const context = manager.requestContext({ headers: new Headers({ cookie }) });
    await context.opening;
    context.run(view);
  };

  it.each(NONE.map((limit) => [limit]))("refuses %s", async (limit) => {
    await expect(loggedIn(() => requireFresh(limit as never))).rejects.toThrow(ConfigError);
  });

  it("takes numbers", async () => {
    await loggedIn(() => requireFresh(11));
    await loggedIn(() => requireFresh(Infinity));
    await expect(loggedIn(() => requireFresh(9))).rejects.toThrow(NotFreshError);
    await expect(loggedIn(() => requireFresh(0))).rejects.toThrow(NotFreshError);
  });
});

describe("maxAge of codecCookie", () => {
  it.each([...NONE, 0].map((maxAge) => [maxAge]))("cannot be %s", (maxAge) => {
    const codec = flaskCodec({ secretKey });
    expect(() => codecCookie({ codec, maxAge: maxAge as never })).toThrow(ConfigError);
  });
});

describe("other limits", () => {
  const password = "a password of the tests, long enough";
  const sodium = {} as never;
  const limits: ReadonlyArray<readonly [string, (limit: never) => unknown]> = [
    ["maxAge of h3Session", (maxAge) => h3Session({ password, maxAge })],
    ["idleTimeout of h3Session", (idleTimeout) => h3Session({ password, idleTimeout })],
    [
      "expiry of fastifySecureSession",
      (expiry) => fastifySecureSession({ sodium, key: Buffer.alloc(32), expiry }),
    ],
    ["storeTimeout of expressSession", (storeTimeout) => expressSession({ secret: password, storeTimeout })],
    ["storeTimeout of the drop-in", (storeTimeout) => dropIn({ secret: password, storeTimeout })],
    ["timeLimit of CsrfProtect", (timeLimit) => new CsrfProtect({ secretKey, timeLimit })],
    ["maxKeys of TaggedJSONSerializer", (maxKeys) => new TaggedJSONSerializer({ maxKeys })],
    ["every of startSweep", (every) => startSweep(memoryStore(), { every })],
    ["pause of sweepOnce", (pause) => sweepOnce(memoryStore(), { pause })],
    ["batch of sweepOnce", (batch) => sweepOnce(memoryStore(), { batch })],
  ];
  const none = NONE.filter((limit) => limit !== undefined && limit !== null);

  it.each(limits.flatMap(([what, call]) => none.map((limit) => [what, limit, call] as const)))(
    "%s cannot be %s",
    async (_, limit, call) => {
      await expect((async () => call(limit as never))()).rejects.toThrow(ConfigError);
    },
  );

  it.each([NaN, Infinity, "60", {}])("maxAge of dumpCookie cannot be %s", (maxAge) => {
    expect(() => dumpCookie("a", "b", { maxAge: maxAge as never })).toThrow(ConfigError);
  });
});

describe("recordLimits", () => {
  const withLimits = (recordLimits: unknown) => {
    const options = { recordLimits: recordLimits as never, sweepEvery: 0 };
    closing.push(new SessionManager({ secretKey, store: memoryStore(), storeOptions: options }));
  };

  it.each([{ bytes: NaN }, { bytes: "10" }, { fields: 0 }, { maxBytes: 10 }, 10, "10", [10]])(
    "cannot be %j",
    (limits) => {
      expect(() => withLimits(limits)).toThrow(ConfigError);
    },
  );

  it.each([undefined, null, {}, { bytes: undefined }, { fields: 10, bytes: 1000 }])("can be %j", (limits) => {
    expect(() => withLimits(limits)).not.toThrow();
  });
});
