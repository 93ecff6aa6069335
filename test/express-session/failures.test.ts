import { createServer } from "node:http";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import session from "../../src/express-session.ts";
import { listen } from "../adapters/listen.ts";
import { afterTurns } from "../support/turns.ts";
import { contents, open, quiet, watchedStore } from "./site.ts";

type Callback = ((error?: unknown) => void) | undefined;

/** What a bad store does with a callback; each is an error of its own kind. */
const TIMEOUT = /^The session store did not answer "\w+" within 0\.04 seconds\. See/;
const faults: Record<string, (callback: Callback) => unknown> = {
  "calls back with an error": (callback) => setImmediate(() => callback?.(new Error("boom"))),
  "calls back with an error at once": (callback) => callback?.(new Error("boom")),
  throws: () => {
    throw new Error("boom");
  },
  rejects: () => Promise.reject(new Error("boom")),
  "never answers": () => {},
};

describe.each(Object.entries(faults))("a store that %s", (name, fault) => {
  const reason = name === "never answers" ? TIMEOUT : /^boom$/;
  const options = () => ({ ...quiet, ...watchedStore(), storeTimeout: 40 });

  it("at `get` is an error for next()", async () => {
    const { store, get, ...rest } = options();
    const site = await open({ ...rest, store }, (req, res) => {
      req.session.user = "ada";
      res.send("success");
    });
    await site.get();
    get.mockImplementation((_id, callback) => fault(callback as Callback) as void);
    const { status, body, cookies } = await site.get();
    expect([status >= 500, cookies]).toEqual([true, []]);
    expect(body.replace("handled: ", "")).toMatch(reason);
  });

  it.each(["set", "touch", "destroy"] as const)(
    "at `%s` is an error response, and then told",
    async (verb) => {
      const { store, ...rest } = options();
      const site = await open({ ...rest, store, unset: "destroy" }, (req, res) => {
        if (req.path === "/destroy") Object.assign(req, { session: null });
        else req.session.user = req.path === "/set" ? "grace" : "ada";
        res.setHeader("X-Success", "yes").send("success");
      });
      await site.get();
      rest[verb].mockImplementation((...args: unknown[]) => fault(args.at(-1) as Callback) as void);
      const { status, body, headers, cookies } = await site.get(`/${verb}`);
      expect(status).toBeGreaterThanOrEqual(500);
      expect([body, headers.get("x-success"), cookies]).toEqual([
        expect.not.stringContaining("success"),
        null,
        [],
      ]);
      await vi.waitFor(() => expect(site.errors).toHaveLength(1));
    },
  );

  it("tells those who call a session's own methods", async () => {
    const { store, ...rest } = options();
    const site = await open({ ...rest, store }, (req, res) => {
      const verb = req.path.slice(1) as "save" | "reload" | "destroy" | "regenerate";
      req.session[verb]((error) => {
        if (error) delete (req as { session?: unknown }).session;
        res.send(error ? (error as Error).message : "success");
      });
    });
    for (const verb of ["get", "set", "destroy"] as const) {
      rest[verb].mockImplementation((...args: unknown[]) => fault(args.at(-1) as Callback) as void);
    }
    for (const verb of ["save", "reload", "destroy", "regenerate"]) {
      expect((await site.get(`/${verb}`)).body).toMatch(reason);
    }
  });
});

describe("a handler that does not wait", () => {
  it.each([
    ["save", "set"],
    ["destroy", "destroy"],
    ["regenerate", "destroy"],
  ] as const)("for %s does not answer success when it fails", async (method, verb) => {
    const { store, ...spies } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res) => {
      req.session.user = "ada";
      req.session[method](() => {});
      res.send("success");
    });
    spies[verb].mockImplementation((...args: unknown[]) => {
      void afterTurns(() => (args.at(-1) as NonNullable<Callback>)(new Error("boom")));
    });
    expect(await site.get()).toMatchObject({ status: 500, cookies: [] });
    await vi.waitFor(() => expect(site.errors).toMatchObject([{ message: "boom" }]));
  });
});

describe("a store that calls back twice", () => {
  it("is heard once, at every verb", async () => {
    const { store, ...spies } = watchedStore();
    for (const [verb, spy] of Object.entries(spies)) {
      const real = Object.getPrototypeOf(store)[verb] as (...args: unknown[]) => void;
      spy.mockImplementation((...args: unknown[]) => {
        const callback = args.pop() as (...answer: unknown[]) => void;
        Reflect.apply(real, store, [
          ...args,
          (...answer: unknown[]) => {
            callback(...answer);
            callback(...answer);
            callback(new Error("once more"));
          },
        ]);
      });
    }
    let handled = 0;
    const site = await open({ ...quiet, store }, (req, res, next) => {
      handled++;
      if (req.path === "/regenerate") {
        return void req.session.regenerate((error) => {
          req.session.count = 10;
          if (error) next(error);
          else res.send("10");
        });
      }
      req.session.count = (req.session.count ?? 0) + 1;
      const { count } = req.session;
      const answer = (): void => void res.send(String(count));
      if (req.path === "/save") req.session.save(answer);
      else answer();
    });
    for (const [path, body] of [
      ["/", "1"],
      ["/save", "2"],
      ["/regenerate", "10"],
      ["/", "11"],
    ] as const) {
      expect(await site.get(path)).toMatchObject({ status: 200, body });
    }
    expect([handled, site.errors]).toEqual([4, []]);
  });
});

describe("a session that cannot be written as JSON", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;

  it.each([
    ["a cycle", cycle],
    ["a BigInt", 1n],
  ])("is an error response and no hang: %s", async (_, anything) => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store }, (req, res) => {
      req.session.anything = anything;
      if (req.path === "/write") res.write("success");
      if (req.path === "/save") req.session.save((error) => res.send(error ? "failed" : "success"));
      else res.end("success");
    });
    for (const path of ["/", "/write", "/save"]) {
      const { status, body, cookies } = await site.get(path);
      expect([status, body, cookies]).toEqual([500, "Internal Server Error\n", []]);
    }
    await vi.waitFor(() => expect(site.errors).toHaveLength(3));
    expect(site.errors[0]).toBeInstanceOf(TypeError);
    expect(await contents(store)).toEqual({});
  });
});

describe("a cookie that cannot be set", () => {
  it("is an error response, and no session is saved whose cookie was not sent", async () => {
    const { store } = watchedStore();
    const site = await open({ ...quiet, store, cookie: { expires: new Date(Number.NaN) } }, (req, res) => {
      req.session.user = "ada";
      res.send("success");
    });
    expect(await site.get()).toMatchObject({ status: 500, cookies: [] });
    await vi.waitFor(() => expect(site.errors).toMatchObject([{ message: "option expires is invalid" }]));
    expect(await contents(store)).toEqual({});
  });
});

describe("outside of Express", () => {
  const serve = async (handler: Parameters<typeof createServer>[1]) => {
    const server = await listen(createServer(handler));
    onTestFinished(() => server.close());
    return `http://127.0.0.1:${server.port}/`;
  };
  const failing = () => {
    const { store, set } = watchedStore();
    set.mockImplementation((_, __, callback) => void callback?.(new Error("boom")));
    return session({ ...quiet, saveUninitialized: true, store });
  };

  it("a `next` without a parameter for an error is not called twice", async () => {
    const logged = vi.spyOn(console, "error").mockReturnValue();
    const middleware = failing();
    let handled = 0;
    const url = await serve((req, res) => {
      middleware(req as never, res as never, () => {
        handled++;
        res.end("success");
      });
    });
    expect((await fetch(url)).status).toBe(500);
    expect([handled, logged.mock.calls.length]).toEqual([1, 1]);
    logged.mockRestore();
  });

  it("a `next` that was made a promise of cannot leave a request without an answer", async () => {
    const middleware = failing();
    const url = await serve(async (req, res) => {
      await new Promise<void>((resolve, reject) => {
        middleware(req as never, res as never, (error?: unknown) =>
          error ? reject(error as Error) : resolve(),
        );
      });
      res.end("success");
    });
    expect((await fetch(url)).status).toBe(500);
  });
});

describe("a handler", () => {
  it("that throws is answered by the application's error handler, and its session saved", async () => {
    const site = await open(quiet, (req, res) => {
      if (req.path === "/read") return void res.send(req.session.user);
      req.session.user = "ada";
      throw new Error("failed on purpose");
    });
    expect(await site.get()).toMatchObject({ status: 500, body: "handled: failed on purpose" });
    expect((await site.get("/read")).body).toBe("ada");
  });

  it("is not called when no id can be made", async () => {
    const options = {
      ...quiet,
      genid: () => {
        throw new Error("no id");
      },
    };
    const site = await open(options, (_, res) => void res.send("success"));
    expect(await site.get()).toMatchObject({ status: 500, body: "handled: no id" });
  });
});
