import { describe, expect, it } from "vitest";
import { turns } from "../support/turns.ts";
import { contents, open, quiet, watchedStore } from "./site.ts";

const minute = 60_000;

describe("saveUninitialized", () => {
  it("decides whether a session that nothing was put in is saved and gets a cookie", async () => {
    for (const saveUninitialized of [true, false]) {
      const { store, set } = watchedStore();
      const site = await open({ ...quiet, store, saveUninitialized }, (_, res) => void res.end());
      const { cookies } = await site.get();
      expect([cookies.length, set.mock.calls.length]).toEqual(saveUninitialized ? [1, 1] : [0, 0]);
    }
  });

  it("touches nothing for a visitor without a session", async () => {
    const { store, touch } = watchedStore();
    const site = await open({ ...quiet, store, cookie: { maxAge: minute } }, (_, res) => void res.end());
    await site.get();
    expect(touch).not.toHaveBeenCalled();
  });
});

describe("resave", () => {
  it("decides whether an unchanged session is saved again, or touched", async () => {
    for (const resave of [true, false]) {
      const { store, set, touch } = watchedStore();
      const site = await open({ ...quiet, store, resave }, (req, res) => {
        req.session.user = "ada";
        res.end();
      });
      await site.get();
      await site.get();
      expect([set.mock.calls.length, touch.mock.calls.length]).toEqual(resave ? [2, 0] : [1, 1]);
    }
  });

  it("saves what changed, also deep inside and under the name `cookie`", async () => {
    const { store, set } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res) => {
      const inside = (req.session.anything ??= { cookie: 0 }) as { cookie: number };
      if (req.path === "/change") inside.cookie++;
      res.json(inside);
    });
    await site.get("/change");
    await site.get("/");
    expect((await site.get("/change")).body).toBe('{"cookie":2}');
    expect(set).toHaveBeenCalledTimes(2);
  });

  it("does without `touch` where a store has none", async () => {
    const { store, set } = watchedStore();
    Object.assign(store, { touch: undefined });
    const site = await open({ ...quiet, store }, (req, res) => {
      req.session.user = "ada";
      res.end();
    });
    await site.get();
    expect((await site.get()).status).toBe(200);
    expect(set).toHaveBeenCalledTimes(1);
  });
});

describe("rolling", () => {
  it("sets the cookie with every response, unless there is no session to keep", async () => {
    const site = await open({ ...quiet, rolling: true }, (req, res) => {
      if (req.path === "/login") req.session.user = "ada";
      res.end();
    });
    expect((await site.get()).cookies).toEqual([]);
    expect((await site.get("/login")).cookies).toHaveLength(1);
    expect((await site.get()).cookies).toHaveLength(1);
  });

  it("is off by default: only a change of a session that expires sets the cookie again", async () => {
    for (const [maxAge, again] of [
      [minute, 1],
      [null, 0],
    ] as const) {
      const site = await open({ ...quiet, cookie: { maxAge } }, (req, res) => {
        if (req.path === "/change") req.session.count = (req.session.count ?? 0) + 1;
        res.end();
      });
      expect((await site.get("/change")).cookies).toHaveLength(1);
      expect((await site.get()).cookies).toHaveLength(0);
      expect((await site.get("/change")).cookies).toHaveLength(again);
    }
  });
});

describe("unset", () => {
  it.each([
    ["keep", 1],
    ["destroy", 0],
  ] as const)(
    "%s: what becomes of the stored session when req.session is set to null",
    async (unset, left) => {
      const { store } = watchedStore();
      const site = await open({ ...quiet, store, unset }, (req, res) => {
        if (req.path === "/forget") Object.assign(req, { session: null });
        else req.session.user = "ada";
        res.end();
      });
      await site.get();
      expect((await site.get("/forget")).cookies).toEqual([]);
      expect(Object.keys(await contents(store))).toHaveLength(left);
    },
  );

  it("ends the session of a handler that has begun to answer", async () => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store, unset: "destroy" }, (req, res) => {
      if (req.path !== "/forget") req.session.user = "ada";
      res.write("going");
      if (req.path === "/forget") Reflect.deleteProperty(req, "session");
      res.end();
    });
    await site.get();
    expect((await site.get("/forget")).body).toBe("going");
    expect(await contents(store)).toEqual({});
  });
});

describe("regenerate", () => {
  it("ends the old session and gives an empty one with another id", async () => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res, next) => {
      if (req.path !== "/login") {
        req.session.cart = ["tea"];
        return void res.send(req.sessionID);
      }
      const { id } = req.session;
      req.session.regenerate((error) => {
        if (error) return next(error);
        req.session.user = "ada";
        res.json([req.session.id !== id, req.sessionID === req.session.id, Object.keys(req.session)]);
      });
    });
    const { body: old } = await site.get();
    const login = await site.get("/login");
    expect(JSON.parse(login.body)).toEqual([true, true, ["cookie", "user"]]);
    expect(login.cookies).toHaveLength(1);
    const left = await contents(store);
    expect(Object.keys(left)).not.toContain(old);
    expect(Object.values(left)).toMatchObject([{ user: "ada" }]);
  });

  it("is saved once, however the response is sent", async () => {
    const { store, set } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res) => {
      req.session.regenerate(() => {
        req.session.user = "ada";
        req.session.save(() => {
          res.write("one ");
          res.end("two");
        });
      });
    });
    expect((await site.get()).body).toBe("one two");
    expect(set).toHaveBeenCalledTimes(1);
  });
});

describe("destroy", () => {
  it("ends the session at once and sets no cookie", async () => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res) => {
      if (req.path !== "/logout") req.session.user = "ada";
      if (req.path !== "/logout") return void res.end();
      req.session.destroy(() => res.send(String(req.session)));
      expect(req.session).toBeUndefined();
    });
    await site.get();
    const { body, cookies } = await site.get("/logout");
    expect([body, cookies]).toEqual(["undefined", []]);
    expect(await contents(store)).toEqual({});
  });
});

describe("a handler that does not wait", () => {
  it.each(["destroy", "regenerate"] as const)(
    "for %s is waited for, before its response leaves",
    async (verb) => {
      const { store, destroy } = watchedStore();
      const real = Object.getPrototypeOf(store).destroy as typeof store.destroy;
      let isDone = false;
      destroy.mockImplementation(async (id, callback) => {
        await turns();
        isDone = true;
        real.call(store, id, callback);
      });
      const site = await open({ ...quiet, store }, (req, res) => {
        if (req.path === "/") req.session.user = "ada";
        else req.session[verb](() => {});
        res.redirect("/login");
      });
      await site.get();
      const old = site.cookie;
      const { status, cookies } = await site.get("/logout");
      expect([status, isDone, cookies.length]).toEqual([302, true, verb === "destroy" ? 0 : 1]);
      expect(Object.values(await contents(store)).map(({ user }) => user)).not.toContain("ada");
      expect(site.cookie === old).toBe(verb === "destroy");
    },
  );
});

describe("reload", () => {
  it("reads again what others have written, and drops what was changed here", async () => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res, next) => {
      if (req.path === "/") req.session.user = "ada";
      if (req.path === "/") return void res.end();
      const before = req.session;
      req.session.user = "nobody";
      store.set(req.sessionID, { ...req.session, user: "grace", cookie: req.session.cookie } as never, () =>
        req.session.reload((error) => {
          if (error) return next(error);
          res.json([req.session.user, req.session === before]);
        }),
      );
    });
    await site.get();
    expect(JSON.parse((await site.get("/reload")).body)).toEqual(["grace", false]);
    expect(Object.values(await contents(store))).toMatchObject([{ user: "grace" }]);
  });

  it("says so when the session is gone", async () => {
    const site = await open(quiet, (req, res) => {
      req.session.reload((error) => res.send((error as Error).message));
    });
    expect((await site.get()).body).toBe("failed to load session");
  });
});

describe("a new session that was saved and read again", () => {
  it("gets its cookie", async () => {
    const site = await open(quiet, (req, res, next) => {
      req.session.user = "ada";
      req.session.save(() => req.session.reload((error) => (error ? next(error) : res.end())));
    });
    expect((await site.get()).cookies).toHaveLength(1);
  });
});

describe("save", () => {
  it("leaves nothing to save at the end of the request", async () => {
    const { store, set } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res) => {
      req.session.user = "ada";
      req.session.save(() => res.end());
    });
    await site.get();
    expect(set).toHaveBeenCalledTimes(1);
  });

  it("is waited for by the response if the handler did not wait", async () => {
    const { store, set } = watchedStore();
    let isStored = false;
    const real = Object.getPrototypeOf(store).set as typeof store.set;
    set.mockImplementation(async (id, data, callback) => {
      await turns();
      isStored = true;
      Reflect.apply(real, store, [id, data, callback]);
    });
    const site = await open({ ...quiet, store }, (req, res) => {
      req.session.user = "ada";
      req.session.save();
      res.redirect("/");
    });
    expect((await site.get()).status).toBe(302);
    expect([isStored, set.mock.calls.length]).toEqual([true, 1]);
  });
});

describe("session.cookie", () => {
  it("keeps originalMaxAge over requests, and starts the time again with it", async () => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store, cookie: { maxAge: minute } }, (req, res) => {
      req.session.user = "ada";
      res.json([req.session.cookie.originalMaxAge, req.session.cookie.expires]);
    });
    await site.get();
    const [id, stored] = Object.entries(await contents(store))[0]!;
    const expires = new Date(Date.now() + 10_000);
    await new Promise<void>((done) =>
      store.set(id, { ...stored, cookie: { ...stored.cookie, expires } as never }, () => done()),
    );
    const [original, left] = JSON.parse((await site.get()).body) as [number, string];
    expect([original, left]).toEqual([minute, expires.toISOString()]);
    const [after] = Object.values(await contents(store));
    expect(new Date(after!.cookie.expires!).getTime()).toBeGreaterThan(Date.now() + minute - 5000);
  });

  it("is what the response sets", async () => {
    const site = await open({ ...quiet, name: "sid" }, (req, res) => {
      req.session.user = "ada";
      Object.assign(req.session.cookie, { httpOnly: false, path: "/shop", sameSite: "strict" });
      req.session.cookie.expires = new Date(0);
      res.end();
    });
    const [line] = (await site.get()).cookies;
    expect(line).toMatch(/^sid=s%3A.*; Path=\/shop; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Strict$/);
  });
});

describe("what a session is", () => {
  it("an object with data and a cookie; all else cannot be enumerated", async () => {
    const site = await open(quiet, (req, res) => {
      req.session.user = "ada";
      const found: string[] = [];
      for (const name in req.session) found.push(name);
      res.json([found, Object.keys(req.session), JSON.stringify(req.session).includes("ada")]);
    });
    const names = ["cookie", "user"];
    expect(JSON.parse((await site.get()).body)).toEqual([names, names, true]);
  });

  it("not confused by records with the names of methods, or with __proto__", async () => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res) => {
      req.session.user ??= "ada";
      res.json([typeof req.session.save, Object.getPrototypeOf(req.session.cookie).polluted === undefined]);
    });
    await site.get();
    const [id, stored] = Object.entries(await contents(store))[0]!;
    const evil = JSON.parse(
      `{"cookie":{"path":"/","originalMaxAge":null,"expires":null,"__proto__":{"polluted":1}},"user":"ada","save":"no","id":"no","__proto__":{"polluted":1}}`,
    ) as typeof stored;
    await new Promise<void>((done) => store.set(id, evil, () => done()));
    const { status, body } = await site.get();
    expect([status, JSON.parse(body)]).toEqual([200, ["function", true]]);
  });

  it("left alone where something else has put one on the request, or the store is away", async () => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res) => void res.send(typeof req.session));
    store.emit("disconnect");
    expect((await site.get()).body).toBe("undefined");
    store.emit("connect");
    expect((await site.get()).body).toBe("object");
  });
});
