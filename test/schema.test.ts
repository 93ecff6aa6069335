import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cookieSession } from "../src/accepts.ts";
import {
  ConfigError,
  float,
  SchemaError,
  selectorOf,
  session,
  SessionLostError,
  tuple,
  type SessionOptions,
  type StandardSchemaV1,
} from "../src/index.ts";
import { SessionManager } from "../src/manager/manager.ts";
import { currentContext } from "../src/request/context.ts";
import { memoryStore } from "../src/stores/memory.ts";
import { visitorOf, type Visitor } from "./stores/visitor.ts";

/** Two libraries, one shape: a name, and a cart of goods with prices. */
const schemas: Record<string, StandardSchemaV1> = {
  zod: z.object({ username: z.string().max(20), cart: z.array(z.object({ price: z.number() })) }).partial(),
  valibot: v.partial(
    v.object({
      username: v.pipe(v.string(), v.maxLength(20)),
      cart: v.array(v.object({ price: v.number() })),
    }),
  ),
};

const homes: Record<string, () => SessionOptions> = {
  cookie: () => ({}),
  "sealed cookie": () => ({ codec: "sealed", secretKey: "c29tZSByYW5kb20gYnl0ZXMgZnJvbSAvZGV2L3VyYW5kb20" }),
  store: () => ({ store: memoryStore() }),
};

const cases = Object.entries(schemas).flatMap(([library, schema]) =>
  Object.entries(homes).map(([home, options]) => ({ library, schema, home, options })),
);

describe.each(cases)("schema of $library, sessions in a $home", ({ schema, options }) => {
  /** A browser with a session that was written before there was a schema, and what the app says of it now. */
  const setUp = async (write: () => unknown) => {
    const shared = options();
    const old = visitorOf(shared);
    await old.visit(write);
    const refused: string[] = [];
    const now = visitorOf({ ...shared, schema, onRefused: (reason) => refused.push(reason) });
    now.cookie = old.cookie;
    return { old, now, refused };
  };

  it("opens what fits", async () => {
    const { now, refused } = await setUp(() => session.update({ username: "ada", cart: [{ price: 3.5 }] }));
    expect(await now.data()).toEqual({ username: "ada", cart: [{ price: 3.5 }] });
    expect(refused).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ["a value of another type", () => (session.username = 7)],
    ["one deep inside", () => (session.cart = [{ price: 1 }, { price: "free" }])],
    ["one that is too long", () => (session.username = "a".repeat(21))],
  ])("opens an empty session for %s, says why, and deletes nothing", async (_, write) => {
    const { old, now, refused } = await setUp(write);
    const { seen, cookies } = await now.visit(() => session.size);
    expect([seen, cookies, refused]).toEqual([0, [], ["schema"]]);
    expect(await old.visit(() => session.size)).toMatchObject({ seen: 1 });
  });

  it("begins anew when something is written", async () => {
    const { now } = await setUp(() => (session.username = 7));
    await now.visit(() => (session.username = "ada"));
    expect(await now.data()).toEqual({ username: "ada" });
  });

  it("leaves out what the library keeps itself, and fits an empty session", async () => {
    const { now, refused } = await setUp(() => {
      session.permanent = true;
      session.flash("hello");
    });
    const strict = visitorOf({ ...options(), schema: z.strictObject({ username: z.string() }) });
    await strict.visit(() => session.flash("hello"));
    expect((await strict.visit(() => session.getFlashedMessages())).seen).toEqual(["hello"]);
    expect((await now.visit(() => [session.permanent, session.getFlashedMessages()])).seen).toEqual([
      true,
      ["hello"],
    ]);
    expect(refused).toEqual([]);
  });

  it("does not save what it would refuse, and names the place and not the value", async () => {
    const { now } = await setUp(() => (session.username = "ada"));
    const failing = now.visit(() => {
      session.cart = [{ price: 1 }, { price: "a secret price" }];
    });
    await expect(failing).rejects.toThrow(SchemaError);
    await expect(failing).rejects.toMatchObject({ code: "SCHEMA", path: "cart.1.price" });
    await expect(failing).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("secret") as string }),
    );
    expect(await now.data()).toEqual({ username: "ada" });
  });

  it("notices a change inside a value, too", async () => {
    const { now } = await setUp(() => (session.cart = [{ price: 1 }]));
    await expect(now.visit(() => session.cart.push({}))).rejects.toThrow(SchemaError);
  });

  it("lets a session end, whatever it held", async () => {
    const { now } = await setUp(() => (session.username = "ada"));
    await now.visit(() => session.destroy());
    expect(now.cookie).toBe("");
  });
});

describe("schema", () => {
  it("checks and converts nothing: defaults, coercion and stripped keys leave the session as it is", async () => {
    const schema = z.object({ visits: z.coerce.string(), cart: z.array(z.string()).default(["gift"]) });
    const plain = visitorOf({});
    await plain.visit(() => session.update({ visits: 7, other: tuple("a", float(1)) }));
    const checked = visitorOf({ schema });
    checked.cookie = plain.cookie;
    expect(Object.keys(await checked.data())).toEqual(["other", "visits"]);
    await checked.visit(() => (session.visits = 8));
    plain.cookie = checked.cookie;
    const texts = Buffer.from(plain.cookie.slice("session=".length).split(".")[0]!, "base64url").toString();
    expect(texts).toBe('{"other":{" t":["a",1.0]},"visits":8}');
  });

  it("cannot spoil the session's own values", async () => {
    const schema = z.object({ cart: z.array(z.string()) }).refine(({ cart }) => cart.push("planted") > 0);
    const visitor = visitorOf({ schema });
    await visitor.visit(() => (session.cart = ["tea"]));
    expect(await visitor.data()).toEqual({ cart: ["tea"] });
  });

  it.each([
    ["zod", z.object({ username: z.string().refine(async () => true) })],
    [
      "valibot",
      v.objectAsync({
        username: v.pipeAsync(
          v.string(),
          v.checkAsync(async () => true),
        ),
      }),
    ],
  ])("refuses to wait for asynchronous checks of %s", async (_, schema) => {
    const visitor = visitorOf({ schema });
    await expect(visitor.visit(() => (session.username = "ada"))).rejects.toThrow(ConfigError);
    expect(visitor.cookie).toBe("");
  });

  it("takes a check that throws for one that did not hold", async () => {
    const refused: string[] = [];
    const schema = v.object({
      cart: v.pipe(
        v.any(),
        v.check((cart: string[]) => cart.at(0)!.length > 0),
      ),
    });
    const plain = visitorOf({});
    await plain.visit(() => (session.cart = 7));
    const visitor = visitorOf({ schema, onRefused: (reason) => refused.push(reason) });
    visitor.cookie = plain.cookie;
    expect([await visitor.data(), refused]).toEqual([{}, ["schema"]]);
  });

  it.each([{}, z.object, { "~standard": { version: 2 } }, { "~standard": { version: 1 } }])(
    "refuses what is no schema",
    (schema) => {
      expect(() => visitorOf({ schema: schema as StandardSchemaV1 })).toThrow(ConfigError);
    },
  );

  it("is no matter of a request that failed, which saves nothing in a store", async () => {
    const visitor = visitorOf({ store: memoryStore(), schema: schemas["zod"] });
    await visitor.visit(() => (session.username = "ada"));
    await visitor.visit(() => (session.username = 7), { status: 500 });
    expect(await visitor.data()).toEqual({ username: "ada" });
  });

  it("loses a session in a store that is read again and does not fit any more", async () => {
    const store = memoryStore();
    const [old, now] = [visitorOf({ store }), visitorOf({ store, schema: schemas["zod"] })];
    await now.visit(() => (session.username = "ada"));
    await now.visit(async () => {
      await old.visit(() => (session.username = 7), { cookie: now.cookie });
      await expect(currentContext().reload()).rejects.toThrow(SessionLostError);
      expect(session.username).toBe("ada");
    });
  });

  it("keeps the record that does not fit, and its owner's list of sessions", async () => {
    const store = memoryStore();
    const before = visitorOf({ store });
    let selector: string | undefined;
    await before.visit(() => {
      session.owner = "ada";
      session.username = 7;
    });
    await before.visit(() => (selector = selectorOf(session)));
    const after = visitorOf({ store, schema: schemas["zod"] });
    after.cookie = before.cookie;
    expect((await after.visit(() => [session.owner, session.isNew])).seen).toEqual([null, true]);
    expect((await new SessionManager({ store }).list("ada")).map((info) => info.selector)).toEqual([
      selector,
    ]);
  });

  it("judges sessions of other libraries as well", async () => {
    const encode = (data: object) => Buffer.from(JSON.stringify(data)).toString("base64");
    const refused: string[] = [];
    const visitor = (data: object): Visitor => {
      const opened = visitorOf({
        schema: schemas["zod"],
        accepts: [cookieSession({ cookieName: "old", signed: false })],
        onRefused: (reason) => refused.push(reason),
      });
      opened.cookie = `old=${encode(data)}`;
      return opened;
    };
    expect(await visitor({ username: "ada" }).data()).toEqual({ username: "ada" });
    const { seen, cookies } = await visitor({ username: 7 }).visit(() => session.size);
    expect([seen, cookies, refused]).toEqual([0, [], ["schema"]]);
  });
});
