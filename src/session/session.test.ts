import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { NoSecretKeyError, ReservedNameError, SessionClosedError, UnserializableError } from "../errors.ts";
import { SessionState } from "./state.ts";
import { createSession, isReservedName, sessionOf, stateOf, type Session } from "./session.ts";

/** A session opened from the strings another program wrote. */
function opened(texts: Record<string, string>, options: { trackNested?: boolean } = {}): Session {
  return sessionOf(
    new SessionState({ open: () => ({ fields: new Map(Object.entries(texts)) }), ...options }),
  );
}

const textsOf = (session: Session) => Object.fromEntries(stateOf(session).fields());

describe("Session as a dictionary", () => {
  it("reads, writes, asks and deletes with a language's own syntax", () => {
    const session = createSession({ username: "ada" });
    expect(session.username).toBe("ada");
    expect("username" in session).toBe(true);
    expect("missing" in session).toBe(false);
    session.cart = ["tea"];
    expect(session.cart).toEqual(["tea"]);
    expect(delete session.username).toBe(true);
    expect(delete session.username).toBe(true);
    expect(session.username).toBeUndefined();
    expect(Object.keys(session)).toEqual(["cart"]);
  });

  it("holds nothing under symbols, and keeps its nature", () => {
    const session = createSession({ a: 1 });
    const symbol = Symbol("s");
    expect(Reflect.set(session, symbol, 1)).toBe(false);
    expect(Reflect.defineProperty(session, symbol, { value: 1 })).toBe(false);
    expect(Reflect.has(session, symbol)).toBe(false);
    expect(Reflect.getOwnPropertyDescriptor(session, symbol)).toBeUndefined();
    expect(Reflect.deleteProperty(session, symbol)).toBe(true);
    expect(Reflect.setPrototypeOf(session, null)).toBe(false);
    expect(Reflect.preventExtensions(session)).toBe(false);
    expect(Object.prototype.toString.call(session)).toBe("[object Session]");
    expect([session.modified, textsOf(session)]).toEqual([false, { a: "1" }]);
  });

  it("was accessed when a flag is set, as with Flask's proxy", () => {
    const session = createSession({ a: 1 });
    session.modified = false;
    expect(session.accessed).toBe(true);
    session.accessed = false;
    expect(session.accessed).toBe(false);
  });

  it("spreads, iterates and turns into JSON as its data", () => {
    const session = createSession({ b: 1, a: [true, null] });
    expect({ ...session }).toEqual({ b: 1, a: [true, null] });
    expect([...session]).toEqual([
      ["b", 1],
      ["a", [true, null]],
    ]);
    expect([...session.keys()]).toEqual(["b", "a"]);
    expect([...session.values()]).toEqual([1, [true, null]]);
    expect(new Map(session)).toEqual(new Map(Object.entries({ b: 1, a: [true, null] })));
    expect(JSON.stringify(session)).toBe('{"b":1,"a":[true,null]}');
    expect(Object.entries(session)).toEqual([...session.entries()]);
    const names: string[] = [];
    for (const name in session) names.push(name);
    expect(names).toEqual(["b", "a"]);
  });

  it("keeps the order of insertion, also of keys that look like numbers", () => {
    const session = createSession();
    session.z = 1;
    session["10"] = 2;
    session["9"] = 3;
    expect(Object.keys(session)).toEqual(["z", "10", "9"]);
  });

  it("offers a dictionary's methods", () => {
    const session = createSession({ a: 1 });
    expect(session.get("a")).toBe(1);
    expect(session.get("a", 7)).toBe(1);
    expect(session.get("b")).toBeUndefined();
    expect(session.get("b", 7)).toBe(7);
    session.set("b", null);
    expect(session.get("b", 7)).toBeNull();
    session.delete("b");
    expect(session.pop("a")).toBe(1);
    expect(session.pop("a")).toBeUndefined();
    expect(session.pop("a", "none")).toBe("none");
    expect(session.setDefault("cart", [])).toEqual([]);
    expect(session.setDefault("cart", [1])).toEqual([]);
    session.update({ b: 2, c: 3 });
    session.update(new Map([["d", 4]]));
    expect(session.size).toBe(4);
    expect(session.popItem()).toEqual(["d", 4]);
    expect(session.transact("b", (b) => b + 40)).toBe(42);
    expect(session.delete("b")).toBe(true);
    session.clear();
    expect(session.size).toBe(0);
    expect(session.popItem()).toBeUndefined();
  });

  it("removes a key that is assigned undefined, whichever way", () => {
    const ways: ((session: ReturnType<typeof createSession>) => unknown)[] = [
      (session) => (session.a = undefined),
      (session) => session.set("a", undefined),
      (session) => session.update({ a: undefined }),
      (session) => Object.assign(session, { a: undefined }),
      (session) => session.transact("a", () => undefined),
      (session) => Object.defineProperty(session, "a", { value: undefined }),
    ];
    for (const remove of ways) {
      const session = opened({ a: "1", b: "2" });
      remove(session);
      expect(["a" in session, session.modified, textsOf(session)]).toEqual([false, true, { b: "2" }]);
      const empty = opened({});
      remove(empty);
      expect([empty.size, textsOf(empty)]).toEqual([0, {}]);
    }
    const session = opened({});
    session.a = undefined;
    expect(session.modified).toBe(false);
  });

  it.each(["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "", "10", "é"])(
    "treats the key %j as data like any other",
    (key) => {
      const session = createSession();
      expect(key in session).toBe(false);
      expect(session[key]).toBeUndefined();
      session[key] = { polluted: true };
      expect(session[key]).toEqual({ polluted: true });
      expect(Object.keys(session)).toEqual([key]);
      expect(Object.keys(session.toJSON())).toEqual([key]);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
      expect(textsOf(session)).toEqual(Object.fromEntries([[key, '{"polluted":true}']]));
      delete session[key];
      expect(session.size).toBe(0);
    },
  );

  it("never loses or confuses data whose key is the name of a method", () => {
    const session = opened({ get: "1", flash: '"lightning"', size: "3" });
    expect(session.get("get")).toBe(1);
    expect(session.get("flash")).toBe("lightning");
    expect(session.size).toBe(3);
    expect("get" in session).toBe(true);
    expect(session.toJSON()).toEqual({ get: 1, flash: "lightning", size: 3 });
    expect({ ...session }).toEqual({});
    session.set("get", 2);
    expect(session.get("get")).toBe(2);
    expect(typeof session.get).toBe("function");
    expect(() => {
      (session as Record<string, unknown>).get = 3;
    }).toThrow(ReservedNameError);
    expect(() => {
      (session as Record<string, unknown>).get = 3;
    }).toThrow('session.set("get", value)');
    expect(delete (session as Record<string, unknown>).get).toBe(true);
    expect(session.has("get")).toBe(false);
    expect(isReservedName("get")).toBe(true);
    expect(isReservedName("username")).toBe(false);
  });

  it("can be awaited without being looked into", async () => {
    let opens = 0;
    const state = new SessionState({ open: () => (opens++, { fields: new Map([["then", "1"]]) }) });
    const session = await Promise.resolve(sessionOf(state));
    expect([opens, session.accessed]).toEqual([0, false]);
    expect(session.get("then")).toBe(1);
    expect(() => Reflect.set(session, "then", 1)).toThrow(ReservedNameError);
  });

  it("shows names and no values when logged, and does not count that as a look", () => {
    const session = createSession({ password: "hunter2" });
    expect(inspect(session)).toBe('Session { "password" }');
    expect(session.accessed).toBe(false);
    // A string can be sent to the visitor.
    expect(`${session}`).toBe('Session { "password" }');
    expect(session.accessed).toBe(true);
  });

  it("refuses at once what has no place in a session, and names where it sits", () => {
    const session = createSession();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [() => 1, Symbol("s"), new Set(), new (class Cart {})(), cycle]) {
      expect(() => session.set("cart", value)).toThrow(UnserializableError);
    }
    expect(() => session.set("cart", [{ price: undefined }])).toThrow(
      expect.objectContaining({ path: "cart[0].price" }) as Error,
    );
    expect(session.modified).toBe(false);
    expect(session.size).toBe(0);
  });

  it("returns the same object that was stored", () => {
    const session = createSession();
    const cart = ["tea"];
    session.cart = cart;
    expect(session.cart).toBe(cart);
    expect(session.cart).toBe(session.cart);
  });
});

describe("Session.modified", () => {
  type Change = (session: Session) => unknown;
  // Flask's table: what sets the flag on {a: 1, l: []}, what does not.
  const sets: [string, Change][] = [
    ["an assignment of an equal value", (s) => (s.a = 1)],
    ["delete of a present key", (s) => delete s.a],
    ["pop of a present key", (s) => s.pop("a")],
    ["popItem", (s) => s.popItem()],
    ["clear", (s) => s.clear()],
    ["update with nothing", (s) => s.update()],
    ["update with an empty object", (s) => s.update({})],
    ["setDefault of a missing key", (s) => s.setDefault("b", 1)],
    ["permanent = the value it has", (s) => (s.permanent = false)],
    ["flash", (s) => s.flash("hi")],
    ["set", (s) => s.set("a", 2)],
    ["transact", (s) => s.transact("a", (a) => a)],
    ["regenerate", (s) => s.regenerate({ keep: true })],
    ["destroy", (s) => s.destroy()],
    ["modified = true", (s) => (s.modified = true)],
  ];
  const leaves: [string, Change][] = [
    ["delete of a missing key", (s) => delete s.b],
    ["pop of a missing key", (s) => s.pop("b")],
    ["setDefault of a present key", (s) => s.setDefault("a", 5)],
    [
      "reading",
      (s) => [s.a, s.get("a"), s.has("a"), s.size, "a" in s, { ...s }, JSON.stringify(s), s.permanent],
    ],
    ["getFlashedMessages without messages", (s) => s.getFlashedMessages()],
    ["a change inside a nested value, until it is saved", (s) => s.l.push(1)],
  ];

  it.each(sets)("is set by %s", (_, change) => {
    const session = opened({ a: "1", l: "[]" });
    change(session);
    expect(session.modified).toBe(true);
  });

  it.each(leaves)("is left alone by %s", (_, change) => {
    const session = opened({ a: "1", l: "[]" });
    change(session);
    expect(session.modified).toBe(false);
  });

  it("is set by clear and update even on an empty session, and by getFlashedMessages with messages", () => {
    for (const change of [(s: Session) => s.clear(), (s: Session) => s.update()]) {
      const session = createSession();
      change(session);
      expect(session.modified).toBe(true);
    }
    const session = opened({ _flashes: '[{" t":["message","hi"]}]' });
    session.getFlashedMessages();
    expect(session.modified).toBe(true);
  });

  it("can be set back, as in Flask", () => {
    const session = createSession();
    session.a = 1;
    session.modified = false;
    expect(session.modified).toBe(false);
  });
});

describe("Session.accessed", () => {
  const looks: [string, (session: Session) => unknown][] = [
    ["a property", (s) => s.a],
    ["get", (s) => s.get("a")],
    ["in", (s) => "a" in s],
    ["has", (s) => s.has("a")],
    ["size", (s) => s.size],
    ["keys", (s) => s.keys()],
    ["iteration", (s) => [...s]],
    ["spread", (s) => ({ ...s })],
    ["Object.keys", (s) => Object.keys(s)],
    ["JSON.stringify", (s) => JSON.stringify(s)],
    ["reading modified", (s) => s.modified],
    ["reading permanent", (s) => s.permanent],
    ["reading owner", (s) => s.owner],
    ["a write", (s) => (s.a = 2)],
    ["delete", (s) => delete s.a],
    ["pop", (s) => s.pop("zz")],
    ["getFlashedMessages", (s) => s.getFlashedMessages()],
  ];

  it.each(looks)("is set by %s", (_, look) => {
    const session = opened({ a: "1" });
    expect(session.accessed).toBe(false);
    look(session);
    expect(session.accessed).toBe(true);
  });

  it("opens nothing before the first look, and then once", () => {
    let opens = 0;
    const session = sessionOf(new SessionState({ open: () => (opens++, { fields: new Map() }) }));
    expect(session.accessed).toBe(false);
    expect(opens).toBe(0);
    void session.a;
    void session.b;
    expect(opens).toBe(1);
  });
});

describe("Session.permanent", () => {
  it("is a view of the key _permanent, stored as a boolean", () => {
    const session = createSession();
    expect(session.permanent).toBe(false);
    session.permanent = "yes" as unknown as boolean;
    expect(textsOf(session)).toEqual({ _permanent: "true" });
    session.permanent = false;
    expect(textsOf(session)).toEqual({ _permanent: "false" });
  });

  it.each([
    ["1", true],
    ['"x"', true],
    ["0", false],
    ['""', false],
    ["[]", false],
    ["{}", false],
    ["null", false],
    ["0.0", false],
    ["[0]", true],
  ])("has Python's truth of a stored %s", (text, truth) => {
    expect(opened({ _permanent: text }).permanent).toBe(truth);
  });
});

describe("Session saving", () => {
  it("sends what was not replaced back token for token", () => {
    const texts = { price: "1.0", id: "123456789012345678901", e: "1e5", list: "[ 1.0,2 ]", s: '"\\u00C9"' };
    const session = opened(texts);
    expect(session.price).toBe(1);
    expect(session.list).toEqual([1, 2]);
    session.other = true;
    expect(textsOf(session)).toEqual({ ...texts, other: "true" });
    expect(stateOf(opened(texts)).fields()).toEqual(new Map(Object.entries(texts)));
  });

  it("notices a change inside a nested value, and only a change", () => {
    const session = opened({
      cart: '[{"qty":1}]',
      when: '{" d":"Thu, 01 Jan 1970 00:00:00 GMT"}',
      raw: '{"b":1, "a":2}',
    });
    void [session.cart, session.when, session.raw];
    void textsOf(session);
    expect(session.modified).toBe(false);
    session.cart[0].qty = 2;
    expect(textsOf(session).cart).toBe('[{"qty":2}]');
    expect(session.modified).toBe(true);
  });

  it("notices changes of dates and bytes, which are objects too", () => {
    const session = opened({ when: '{" d":"Thu, 01 Jan 1970 00:00:00 GMT"}', bytes: '{" b":"AAA="}' });
    session.when.setUTCFullYear(2000);
    session.bytes[0] = 255;
    expect(textsOf(session)).toEqual({
      when: '{" d":"Sat, 01 Jan 2000 00:00:00 GMT"}',
      bytes: '{" b":"/wA="}',
    });
  });

  it("does not set the flag without trackNested, but saves the change with others, as in Flask", () => {
    const session = opened({ l: "[]" }, { trackNested: false });
    session.l.push(1);
    expect(textsOf(session)).toEqual({ l: "[1]" });
    expect(session.modified).toBe(false);
  });

  it("refuses writes once closed, and still reads", () => {
    const session = createSession({ a: 1 });
    stateOf(session).close();
    expect(session.a).toBe(1);
    for (const write of [
      () => (session.a = 2),
      () => delete session.a,
      () => session.clear(),
      () => session.update(),
      () => (session.permanent = true),
      () => session.flash("late"),
      () => (session.modified = true),
      () => session.destroy(),
      () => session.regenerate(),
    ]) {
      expect(write).toThrow(SessionClosedError);
    }
  });
});

describe("a null session", () => {
  const nullSession = () => sessionOf(new SessionState({ isNull: true }));

  it("reads as empty", () => {
    const session = nullSession();
    expect(session.a).toBeUndefined();
    expect("a" in session).toBe(false);
    expect(session.size).toBe(0);
    expect(session.permanent).toBe(false);
    expect(session.getFlashedMessages()).toEqual([]);
  });

  it.each<[string, (session: Session) => unknown]>([
    ["assignment", (s) => (s.a = 1)],
    ["delete", (s) => delete s.a],
    ["pop with a fallback", (s) => s.pop("a", 1)],
    ["popItem", (s) => s.popItem()],
    ["clear", (s) => s.clear()],
    ["update with nothing", (s) => s.update({})],
    ["setDefault", (s) => s.setDefault("a", 1)],
    ["permanent", (s) => (s.permanent = true)],
    ["flash", (s) => s.flash("hi")],
    ["transact", (s) => s.transact("a", () => 1)],
    ["regenerate", (s) => s.regenerate()],
    ["destroy", (s) => s.destroy()],
  ])("refuses %s with advice", (_, write) => {
    expect(() => write(nullSession())).toThrow(NoSecretKeyError);
    expect(() => write(nullSession())).toThrow("secretKey");
  });
});

describe("Session.flash", () => {
  it("writes Flask's own format, category first", () => {
    const session = createSession();
    session.flash("saved");
    session.flash("careful", "warning");
    expect(textsOf(session)).toEqual({
      _flashes: '[{" t":["message","saved"]},{" t":["warning","careful"]}]',
    });
  });

  it("gives messages once per session and again within the request", () => {
    const session = opened({ _flashes: '[{" t":["message","one"]},{" t":["error","two"]}]' });
    expect(session.getFlashedMessages()).toEqual(["one", "two"]);
    expect(session.has("_flashes")).toBe(false);
    expect(session.getFlashedMessages({ withCategories: true })).toEqual([
      ["message", "one"],
      ["error", "two"],
    ]);
    expect(session.getFlashedMessages({ categoryFilter: ["error"] })).toEqual(["two"]);
  });

  it("carries any value as message and as category, as Flask does", () => {
    const session = createSession();
    session.flash({ item: "tea", price: 3.5 }, "added");
    session.flash("disk full", 40);
    session.flash(null, ["a", { deep: true }]);
    const carried = opened(textsOf(session));
    expect(carried.getFlashedMessages({ withCategories: true })).toEqual([
      ["added", { item: "tea", price: 3.5 }],
      [40, "disk full"],
      [["a", { deep: true }], null],
    ]);
    expect(carried.getFlashedMessages({ categoryFilter: [40] })).toEqual(["disk full"]);
    expect(carried.getFlashedMessages({ categoryFilter: ["40"] })).toEqual([]);
    expect(carried.getFlashedMessages({ categoryFilter: ["added", ["a", { deep: true }]] })).toEqual([
      { item: "tea", price: 3.5 },
      null,
    ]);
    expect(() => session.flash(() => 1)).toThrow(UnserializableError);
  });

  it("ignores items that are not messages", () => {
    const session = opened({ _flashes: '[1,"x",[],["a","b","c"],{"a":1},["message","ok"]]' });
    expect(session.getFlashedMessages()).toEqual(["ok"]);
    expect(opened({ _flashes: "5" }).getFlashedMessages()).toEqual([]);
  });
});

describe("Session.regenerate and Session.destroy", () => {
  it("keeps what was asked for", () => {
    const session = createSession({ role: "admin", cart: [1] });
    session.regenerate({ keep: ["cart"] });
    expect(session.toJSON()).toEqual({ cart: [1] });
    session.regenerate({ keep: true });
    expect(session.toJSON()).toEqual({ cart: [1] });
    session.regenerate();
    expect(session.size).toBe(0);
    expect(stateOf(session).identity).toBe("regenerated");
  });

  it("begins a new session with what is written after the end", () => {
    const session = createSession({ username: "ada" });
    session.destroy();
    session.flash("bye");
    expect(Object.keys(session)).toEqual(["_flashes"]);
    expect(stateOf(session).identity).toBe("destroyed");
  });
});
