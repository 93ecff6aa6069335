/**
 * What is assigned to a framework's place of the session does what people of that framework mean, or throws: nothing is
 * accepted and then lost.
 *
 * - koajs/session#9, senchalabs/connect#240, SerayaEryn/fastify-session#59: null ends a session, an object is its data from now on
 * - expressjs/session#954: `delete req.session` as a logout
 * - expressjs/session#209: `cookie.secure` is set for each request
 * - expressjs/flash#1 and #2: `req.session.flash = []` by hand
 */
import express from "express";
import { createRequire } from "node:module";
import fastify from "fastify";
import { H3, toNodeHandler } from "h3";
import { createApp, defineEventHandler, toNodeListener } from "h3v1";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import Koa from "koa";
import { RouterContextProvider } from "react-router";
import { createServer, type RequestListener } from "node:http";
import { runInThisContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sessions as astroSessions } from "../../src/adapters/astro.ts";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as fastifySessions } from "../../src/adapters/fastify.ts";
import { sessions as h3Sessions } from "../../src/adapters/h3.ts";
import { sessions as honoSessions } from "../../src/adapters/hono.ts";
import { sessions as koaSessions } from "../../src/adapters/koa.ts";
import { sessions as nuxtSessions } from "../../src/adapters/nuxt.ts";
import { sessionContext, sessions as routerSessions } from "../../src/adapters/react-router.ts";
import { sessions as kitSessions, type SvelteKitEvent } from "../../src/adapters/sveltekit.ts";
import expressSession from "../../src/express-session.ts";
import { session, SessionClosedError, type Session, type SessionOptions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { listen, type Listening } from "../adapters/listen.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";

interface Place {
  session?: unknown;
}
/** Does something at the framework's place, and answers with text. */
type Handler = (path: string, place: Place) => string;
type Serve = (options: SessionOptions, handler: Handler) => Promise<Listening>;

const express4 = createRequire(import.meta.url)("express4") as typeof express;
const serve = (listener: RequestListener) => listen(createServer(listener));
const onExpress =
  (from: typeof express): Serve =>
  (options, handler) =>
    serve(
      from()
        .use(expressSessions(options))
        .use((req, res) => void res.send(handler(req.path, req as unknown as Place))),
    );

const DOORS: Record<string, Serve> = {
  "req.session of Express 5": onExpress(express),
  "req.session of Express 4": onExpress(express4),
  "ctx.session of Koa": (options, handler) => {
    const app = new Koa().use(koaSessions(options));
    return serve(app.use((ctx) => void (ctx.body = handler(ctx.path, ctx))).callback());
  },
  "request.session of Fastify": async (options, handler) => {
    const app = fastify();
    await app.register(fastifySessions(options));
    app.get("/*", (request) => handler(request.url, request));
    await app.ready();
    return serve(app.routing);
  },
  "event.context.session of h3": (options, handler) => {
    const app = new H3().use(h3Sessions(options));
    return serve(toNodeHandler(app.use((event) => handler(event.url.pathname, event.context as Place))));
  },
  "event.context.session of Nuxt": (options, handler) => {
    const app = createApp();
    app.use(defineEventHandler((event) => handler(event.path, event.context as unknown as Place)));
    nuxtSessions(options)({ h3App: app } as never);
    return serve(toNodeListener(app));
  },
  "locals.session of Astro": (options, handler) => {
    const onRequest = astroSessions(options);
    const fetch = async (request: Request) => {
      const locals = {};
      const { pathname } = new URL(request.url);
      return onRequest(
        { request, locals, isPrerendered: false },
        async () => new Response(handler(pathname, locals)),
      );
    };
    return listen(createAdaptorServer({ fetch }));
  },
  "event.locals.session of SvelteKit": (options, handler) => {
    const handle = kitSessions(options);
    const fetch = (request: Request) => {
      const event = { request, isSubRequest: false, locals: {}, cookies: {} } as unknown as SvelteKitEvent;
      const { pathname } = new URL(request.url);
      return handle({
        event,
        resolve: () => new Response(handler(pathname, event.locals as Place)),
      } as never);
    };
    return listen(createAdaptorServer({ fetch: fetch as never }));
  },
};

class User {
  readonly name = "eve";
}
const NONSENSE: Record<string, unknown> = {
  "a text": "hi",
  "an empty string": "",
  "a number": 42,
  true: true,
  false: false,
  "a list": [1, 2],
  "a function": () => ({}),
  "a date": new Date(0),
  "a map": new Map([["name", "eve"]]),
  "a promise": Promise.resolve({ name: "eve" }),
  "an instance of a class": new User(),
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

for (const [mode, store] of [
  ["in a cookie", undefined],
  ["in a store", memoryStore],
] as const) {
  describe.each(Object.entries(DOORS))(`%s, with sessions ${mode}`, (_, door) => {
    const start = async (assign: (place: Place) => string) => {
      const options: SessionOptions = { secretKey: "assigned", store: store?.() };
      const server = await door(options, (path, place) => {
        if (path === "/assign") return assign(place);
        if (path === "/login") session.update({ name: "ada", role: "admin" });
        return JSON.stringify([session.name ?? null, session.role ?? null, session.size]);
      });
      closing.push(server.close);
      const visitor = new PlainVisitor(`http://127.0.0.1:${server.port}`);
      await visitor.get("/login");
      const thief = visitor.copy();
      const said = await visitor.get("/assign");
      return { said, now: (await visitor.get("/who")).body, copy: (await thief.get("/who")).body, visitor };
    };

    it.each(Object.entries(NONSENSE))("refuses %s, and keeps what was there", async (_, value) => {
      const { said, now } = await start((place) => {
        try {
          place.session = value;
          return "accepted";
        } catch (error) {
          return (error as Error).name;
        }
      });
      expect([said.body, now]).toEqual(["TypeError", '["ada","admin",2]']);
    });

    it.each<[string, () => object]>([
      ["a function", () => ({ name: "eve", role: () => "admin" })],
      ["a symbol", () => ({ name: "eve", role: Symbol("admin") })],
      [
        "itself",
        () => {
          const data: Record<string, unknown> = { name: "eve" };
          return Object.assign(data, { role: data });
        },
      ],
    ])("keeps what was there where the data holds %s", async (_, data) => {
      const { said, now } = await start((place) => {
        try {
          place.session = data();
          return "accepted";
        } catch (error) {
          return (error as Error).name;
        }
      });
      expect([said.body, now]).toEqual(["UnserializableError", '["ada","admin",2]']);
    });

    it.each([null, undefined])("ends the session when it is set to %s", async (value) => {
      const { said, now, copy, visitor } = await start((place) => {
        place.session = value;
        return String(place.session);
      });
      expect([said.body, now, visitor.cookies.size]).toEqual(["null", "[null,null,0]", 0]);
      expect(copy).toBe(store === undefined ? '["ada","admin",2]' : "[null,null,0]");
    });

    it("ends the session when it is deleted", async () => {
      const { said, now, copy, visitor } = await start((place) => {
        delete place.session;
        return String(place.session);
      });
      expect([said.body, now, visitor.cookies.size]).toEqual(["undefined", "[null,null,0]", 0]);
      expect(copy).toBe(store === undefined ? '["ada","admin",2]' : "[null,null,0]");
    });

    it.each(["owner", "permanent", "isNew", "get", "clear", "toJSON"])(
      "refuses data under %s, which is no data there",
      async (name) => {
        const { said, now } = await start((place) => {
          try {
            place.session = { name: "eve", [name]: "eve" };
            return "accepted";
          } catch (error) {
            return (error as Error).name;
          }
        });
        expect([said.body, now]).toEqual(["ReservedNameError", '["ada","admin",2]']);
      },
    );

    it("begins with what is assigned after it was deleted, and stays as it was if that is itself", async () => {
      const data = await start((place) => {
        delete place.session;
        place.session = { name: "bob" };
        return "said";
      });
      expect(data.now).toBe('["bob",null,1]');
      const twice = await start((place) => {
        delete place.session;
        place.session = null;
        return "said";
      });
      expect(twice.now).toBe("[null,null,0]");
      const itself = await start((place) => {
        const { session: found } = place;
        delete place.session;
        place.session = found;
        return "said";
      });
      expect(itself.now).toBe('["ada","admin",2]');
    });

    it("fails if it was deleted and a user logs in, in any order", async () => {
      const log = vi.spyOn(console, "error").mockImplementation(() => {});
      const { said, now } = await start((place) => {
        delete place.session;
        session.regenerate();
        session.name = "bob";
        return "said";
      });
      log.mockRestore();
      expect([said.status, now]).toEqual([500, '["ada","admin",2]']);
    });

    it("takes an object for the data from now on, and the session itself for itself", async () => {
      const { said, now } = await start((place) => {
        place.session = { name: "bob" };
        // oxlint-disable-next-line no-self-assign -- what is meant to change nothing
        place.session = place.session;
        return (place.session as Session).name as string;
      });
      expect([said.body, now]).toEqual(["bob", '["bob",null,1]']);
    });
  });
}

describe.each(Object.entries(DOORS))("%s, where a user logs in", (_, door) => {
  const start = async (act: (place: Place) => void) => {
    const server = await door({ secretKey: "assigned", store: memoryStore() }, (path, place) => {
      let said = "";
      try {
        if (path === "/act") act(place);
        if (path === "/login") session.owner = "ada";
      } catch (error) {
        said = (error as Error).name;
      }
      return JSON.stringify([said, session.owner, session.size]);
    });
    closing.push(server.close);
    const visitor = new PlainVisitor(`http://127.0.0.1:${server.port}`);
    await visitor.get("/login");
    await visitor.get("/act");
    return async () => (await visitor.get("/who")).body;
  };

  it.each<[string, (place: Place) => void]>([
    ["a changed copy", (place) => (place.session = { ...(place.session as object), theme: "dark" })],
    ["data beside a login", (place) => ((session.owner = "ada"), (place.session = { theme: "dark" }))],
  ])("refuses %s, which would log out", async (_, act) => {
    const thrown: unknown[] = [];
    const who = await start((place) => {
      try {
        act(place);
      } catch (error) {
        thrown.push(error);
      }
    });
    expect(thrown).toEqual([expect.objectContaining({ name: "TypeError" })]);
    expect(String(thrown[0])).toContain("session.update(data)");
    expect(await who()).toBe('["","ada",0]');
  });

  it.each<[string, (place: Place) => void]>([
    ["null", (place) => (place.session = null)],
    ["an empty object", (place) => (place.session = {})],
  ])("logs out at %s", async (_, act) => {
    const who = await start(act);
    expect(await who()).toBe('["",null,0]');
  });

  it("logs in behind an assignment", async () => {
    const who = await start((place) => {
      place.session = {};
      place.session = { theme: "dark" };
      session.owner = "bob";
    });
    expect(await who()).toBe('["","bob",1]');
  });
});

describe("two sessions of one request, with cookies of their own", () => {
  it.each([null, "deleted"])("end apart: %s", async (how) => {
    const app = express().use(expressSessions({ secretKey: "assigned" }));
    app.get("/login", (_, res) => res.send(String((session.name = "ada"))));
    app.use("/admin", expressSessions({ secretKey: "assigned", cookieName: "admin" }));
    app.get("/admin/login", (req, res) => res.send(String((req.session.name = "root"))));
    app.get("/admin/logout", (req, res) => {
      const place = req as unknown as Place;
      if (how === null) place.session = null;
      else delete place.session;
      res.send("bye");
    });
    const server = await serve(app);
    closing.push(server.close);
    const visitor = new PlainVisitor(`http://127.0.0.1:${server.port}`);
    for (const path of ["/login", "/admin/login"]) await visitor.get(path);
    expect([...visitor.cookies.keys()].toSorted()).toEqual(["admin", "session"]);
    await visitor.get("/admin/logout");
    expect([...visitor.cookies.keys()]).toEqual(["session"]);
  });
});

describe("deleting the session after the headers were sent", () => {
  const told: unknown[] = [];
  const onError = (error: unknown) => void told.push(error);
  afterEach(() => void told.splice(0));
  const late = (place: object, answer: () => unknown): void => {
    session.name = "ada";
    answer();
    delete (place as Place).session;
  };

  it.each<[string, (options: SessionOptions) => Promise<Listening>]>([
    [
      "Express",
      (options) => {
        const app = express().use(expressSessions(options, { onError }));
        return serve(app.use((req, res) => late(req, () => res.redirect("/"))));
      },
    ],
    [
      "Koa",
      (options) => {
        const app = new Koa().use(koaSessions(options)).on("error", onError);
        return serve(app.use((ctx) => late(ctx, () => ((ctx.respond = false), ctx.res.end()))).callback());
      },
    ],
    [
      "Fastify",
      async (options) => {
        const app = fastify();
        await app.register(fastifySessions(options, { onError }));
        app.get("/", (request, reply) => late(request, () => reply.hijack().raw.end()));
        await app.ready();
        return serve(app.routing);
      },
    ],
  ])("is reported in %s, as it ends nothing", async (_, start) => {
    for (const store of [undefined, memoryStore()]) {
      const server = await start({ secretKey: "late", store });
      const visitor = new PlainVisitor(`http://127.0.0.1:${server.port}`);
      await visitor.get("/");
      await server.close();
      expect([...visitor.cookies.keys()]).toEqual(["session"]);
    }
    expect(told).toEqual([expect.any(SessionClosedError), expect.any(SessionClosedError)]);
  });

  it("is reported only where it was too late", async () => {
    const app = express().use(expressSessions({ secretKey: "in time" }, { onError }));
    app.use((req, res) => {
      delete (req as Place).session;
      res.end();
    });
    const server = await serve(app);
    await new PlainVisitor(`http://127.0.0.1:${server.port}`).get("/");
    await server.close();
    expect(told).toEqual([]);
  });
});

describe("c.set of Hono", () => {
  it("cannot be seen when it is called, so that the request fails", async () => {
    vi.spyOn(console, "error").mockReturnValueOnce();
    const app = new Hono().use(honoSessions({ secretKey: "assigned" }));
    app.get("/", (c) => (c.set("session", { name: "bob" } as never), c.text("fine")));
    expect((await app.request("/")).status).toBe(500);
  });
});

describe("context.set of React Router", () => {
  it("cannot be seen either, so that the request fails", async () => {
    const context = new RouterContextProvider();
    const middleware = routerSessions({ secretKey: "assigned" });
    const next = () => {
      context.set(sessionContext, { name: "bob" } as never);
      return new Response("fine");
    };
    const request = new Request("http://localhost/");
    await expect(middleware({ request, context, params: {} } as never, next as never)).rejects.toMatchObject({
      status: 500,
      error: expect.objectContaining({ message: expect.stringContaining("sessionContext") as string }),
    });
  });
});

describe("req.session of Express", () => {
  it.each(["id", "cookie", "save", "reload", "touch"])("refuses data under %s as well", async (name) => {
    const server = await onExpress(express)({ secretKey: "assigned" }, (_, place) => {
      try {
        place.session = { name: "eve", [name]: "eve" };
        return "accepted";
      } catch (error) {
        return (error as Error).name;
      }
    });
    closing.push(server.close);
    const said = await new PlainVisitor(`http://127.0.0.1:${server.port}`).get("/");
    expect(said.body).toBe("ReservedNameError");
  });
});

describe("req.session.cookie and req.sessionID of Express", () => {
  /** What most CommonJS modules are: code that is not strict, in which a failed assignment throws nothing by itself. */
  const assign = runInThisContext("(target, name, value) => { target[name] = value; }") as (
    target: object,
    name: string,
    value: unknown,
  ) => void;
  const said = async (act: (req: express.Request) => void) => {
    const app = express().use(expressSessions({ secretKey: "assigned" }));
    app.use((req, res) => {
      req.session["name"] = "ada";
      try {
        act(req);
        res.send("accepted");
      } catch (error) {
        res.send(`${(error as Error).name}: ${(error as Error).message}`);
      }
    });
    const server = await serve(app);
    closing.push(server.close);
    const response = await fetch(`http://127.0.0.1:${server.port}`);
    return [await response.text(), response.headers.getSetCookie()[0]] as const;
  };

  it.each(["secure", "httpOnly", "sameSite", "domain", "path", "partitioned", "originalMaxAge", "maxage"])(
    "refuses cookie.%s, which would change nothing, in code that is not strict as well",
    async (name) => {
      const [text] = await said((req) => assign(req.session.cookie, name, true));
      expect(text).toContain(`TypeError: session.cookie.${name} cannot be set`);
      expect((await said((req) => Object.assign(req.session.cookie, { [name]: true })))[0]).toBe(text);
    },
  );

  it.each(["maxAge", "expires"])("takes cookie.%s", async (name) => {
    const [text, line] = await said((req) =>
      assign(req.session.cookie, name, new Date(Date.now() + 60_000).getTime()),
    );
    expect([text, line]).toEqual(["accepted", expect.stringContaining("; Expires=")]);
  });

  it("refuses another id", async () => {
    expect((await said((req) => assign(req, "sessionID", "other")))[0]).toContain("TypeError: req.sessionID");
  });
});

describe("req.session of the drop-in", () => {
  it.each(["hi", { name: "bob" }, 42, [1]])(
    "answers %j with an error that says what to write, where express-session hangs",
    async (value) => {
      const errors: unknown[] = [];
      const app = express().use(expressSession({ secret: "a", resave: false, saveUninitialized: false }));
      app.get("/", (req, res) => {
        (req as unknown as Place).session = value;
        res.send("fine");
      });
      app.use(((error, _req, _res, _next) => void errors.push(error)) as express.ErrorRequestHandler);
      const server = await serve(app);
      closing.push(server.close);
      const { status } = await fetch(`http://127.0.0.1:${server.port}`, {
        signal: AbortSignal.timeout(10_000),
      });
      expect(status).toBe(500);
      await expect.poll(() => errors).toEqual([expect.objectContaining({ name: "TypeError" })]);
      expect(String(errors[0])).toContain("req.session.regenerate");
    },
  );
});

describe("req.session.flash", () => {
  const start = async (handler: express.RequestHandler) => {
    const app = express().use(expressSessions({ secretKey: "assigned" }));
    const server = await serve(app.use(handler));
    closing.push(server.close);
    return (await fetch(`http://127.0.0.1:${server.port}`)).text();
  };
  const nameOf = (act: () => unknown): string => {
    try {
      act();
      return "accepted";
    } catch (error) {
      return (error as Error).name;
    }
  };

  it.each(["saved", 4, ["saved"], { type: "info", message: "saved" }, true, new Date(0), () => "saved"])(
    "cannot be set to %j, as no method can",
    async (value) => {
      const said = await start((req, res) => {
        const place = req.session as unknown as { flash: unknown };
        res.json([nameOf(() => (place.flash = value)), session.has("flash")]);
      });
      expect(said).toBe('["ReservedNameError",false]');
    },
  );

  it("can be emptied, as connect-flash does", async () => {
    const said = await start((req, res) => {
      const place = req.session as unknown as { flash: unknown };
      const results = [{}, null, undefined].map((value) => {
        session.set("flash", { info: ["saved"] });
        place.flash = value;
        return session.get("flash") ?? null;
      });
      res.json(results);
    });
    expect(said).toBe("[{},null,null]");
  });

  it("says so where a template shows it as if it were a message", async () => {
    const said = await start((req, res) => {
      res.json(nameOf(() => `<p>${res.locals["flash"] ?? req.session.flash}</p>`));
    });
    expect(said).toBe('"TypeError"');
  });

  it("is still a method", async () => {
    const said = await start((req, res) => {
      req.session.flash("saved");
      res.json(req.session.getFlashedMessages());
    });
    expect(said).toBe('["saved"]');
  });
});
