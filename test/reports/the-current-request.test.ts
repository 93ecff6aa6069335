/**
 * Which request code belongs to: how long its context lasts, where it is restored, and how one request answers another on
 * purpose.
 *
 * - expressjs/multer#814 and #1111, nodejs/help#2546: events of a request are emitted outside of its context
 * - brianc/node-pg-pool#108: a connection keeps the context of the first request for ever
 */
import express, { type Express, type Response as ExpressResponse } from "express";
import fastify from "fastify";
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import { createServer, type RequestListener } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sessions } from "../../src/adapters/express.ts";
import { sessions as fastifySessions } from "../../src/adapters/fastify.ts";
import { sessions as fetchSessions } from "../../src/adapters/fetch.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import {
  ForeignContextError,
  getSession,
  hasSession,
  OutsideRequestError,
  session,
  SessionClosedError,
  SessionManager,
  streamWithContext,
  withoutSession,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { listen } from "../adapters/listen.ts";
import { ecosystem } from "../support/ecosystem.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { turns } from "../support/turns.ts";

const { skip, note, require: packageOf } = ecosystem();
const secretKey = "reports";
const closing: (() => Promise<unknown> | unknown)[] = [];
let told: unknown[] = [];
const onError = (error: unknown) => void told.push(error);

beforeEach(() => {
  told = [];
  vi.spyOn(console, "error").mockReturnValue();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const serve = async (listener: RequestListener) => {
  const server = await listen(createServer(listener));
  closing.push(server.close);
  return { ...server, visitor: () => new PlainVisitor(`http://127.0.0.1:${server.port}`) };
};

async function pages(routes: (app: Express) => void, options: object = {}) {
  const app = express().use(sessions({ secretKey, ...options }, { onError }));
  app.set("env", "production");
  app.get("/login/:name", (req, res) => {
    session.username = req.params.name;
    res.end();
  });
  routes(app);
  const { visitor, port } = await serve(app);
  return {
    port,
    visitor,
    async logIn(name: string) {
      const known = visitor();
      await known.get(`/login/${name}`);
      return known;
    },
  };
}

/** What a use of the global comes to. */
const outcome = (use: () => unknown): string => {
  try {
    return String(use());
  } catch (error) {
    return (error as Error).name;
  }
};

describe("a request that is over", () => {
  const after = async (use: () => unknown) => {
    const heard = new EventEmitter();
    const { logIn } = await pages((app) => {
      app.get("/", async (_, res) => {
        res.end("answered");
        await once(res, "close");
        await turns();
        heard.emit("used", outcome(use));
      });
    });
    const used = once(heard, "used");
    await (await logIn("ada")).get("/");
    return (await used)[0] as string;
  };

  it.each<[string, () => unknown]>([
    ["a read", () => session.username],
    ["a write", () => (session.username = "mallory")],
    ["in", () => "username" in session],
    ["a method", () => session.get("username")],
    ["getSession", () => getSession()],
    ["a stream", () => streamWithContext([])],
  ])("refuses %s through the global", async (_, use) => {
    expect(await after(use)).toBe("OutsideRequestError");
  });

  it("says so, and what to write", async () => {
    expect(await after(hasSession)).toBe("false");
    const message = await after(() => {
      try {
        return session.username;
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(message).toMatch(/is over.*AsyncResource\.bind.*req\.session/s);
  });

  it("can be used through req.session at any time", async () => {
    const heard = new EventEmitter();
    const { logIn } = await pages((app) => {
      app.get("/", async (req, res) => {
        res.end();
        await once(res, "close");
        await turns();
        heard.emit("used", [req.session.username, getSession(req).username]);
      });
    });
    const used = once(heard, "used");
    await (await logIn("ada")).get("/");
    expect((await used)[0]).toEqual(["ada", "ada"]);
  });

  it("is not over before it is answered, though its client has gone", async () => {
    const heard = new EventEmitter();
    const { port } = await pages((app) => {
      app.get("/", async (_, res) => {
        heard.emit("arrived");
        await once(res, "close");
        await turns();
        session.count = 1;
        heard.emit(
          "used",
          outcome(() => session.count),
        );
        res.end();
      });
    });
    const [arrived, used] = [once(heard, "arrived"), once(heard, "used")];
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    });
    await arrived;
    socket.destroy();
    expect((await used)[0]).toBe("1");
  });

  it("lasts as long as its answer, and a stream of events reads on", async () => {
    const { logIn } = await pages((app) => {
      app.get("/", async (_, res) => {
        for (let at = 0; at < 3; at++) {
          res.write(session.username);
          await turns(5);
        }
        res.end();
      });
    });
    expect((await (await logIn("ada")).get("/")).body).toBe("adaadaada");
  });

  describe("where a handler returns its response", () => {
    const ask = async (handler: () => Response | Promise<Response>) =>
      fetchSessions({ secretKey }, { onError })(handler)(new Request("http://localhost/"));

    it("is over once it has returned", async () => {
      let read: string | undefined;
      let wrote: string | undefined;
      let tellAnswered = () => {};
      const later = new Promise<void>((resolve) => (tellAnswered = resolve));
      await ask(() => {
        session.username = "ada";
        void later.then(() => {
          read = outcome(() => session.username);
          wrote = outcome(() => (session.username = "bob"));
        });
        return new Response();
      });
      tellAnswered();
      await later;
      await Promise.resolve();
      expect([read, wrote]).toEqual([OutsideRequestError.name, SessionClosedError.name]);
    });

    it("lasts for a generator in streamWithContext, also while that waits", async () => {
      async function* lines() {
        for (let at = 0; at < 3; at++) {
          await turns(5);
          yield Buffer.from(`${session.username} `);
        }
      }
      let read: string | undefined;
      let tellRead = () => {};
      const isRead = new Promise<void>((resolve) => (tellRead = resolve));
      const response = await ask(() => {
        session.username = "ada";
        void isRead.then(() => (read = outcome(() => session.username)));
        return new Response(ReadableStream.from(streamWithContext(lines())));
      });
      expect(await response.text()).toBe("ada ada ada ");
      tellRead();
      await isRead;
      await Promise.resolve();
      expect(read).toBe(OutsideRequestError.name);
    });

    it("lasts for a function in streamWithContext until what it gave is settled", async () => {
      let write: ((to: WritableStreamDefaultWriter<Uint8Array>) => Promise<void>) | undefined;
      const response = await ask(() => {
        session.username = "ada";
        write = streamWithContext(async (to: WritableStreamDefaultWriter<Uint8Array>) => {
          await turns(5);
          await to.write(Buffer.from(String(session.username)));
          await to.close();
        });
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
        void write(writable.getWriter());
        return new Response(readable);
      });
      expect(await response.text()).toBe("ada");
    });
  });
});

describe("the events of a request and its response", () => {
  it("are heard in its context", async () => {
    const heard: [string, string][] = [];
    const { logIn } = await pages((app) => {
      app.post("/", (req, res) => {
        for (const event of ["data", "end", "close"])
          req.on(event, () => heard.push([`req ${event}`, outcome(() => session.username)]));
        for (const event of ["finish", "close"])
          res.on(event, () => heard.push([`res ${event}`, outcome(() => session.username)]));
        req.on("end", () => res.end());
      });
    });
    const ada = await logIn("ada");
    await ada.post("/", { much: "x".repeat(100_000) });
    await vi.waitFor(() => expect(new Set(heard.map(([event]) => event)).size).toBe(5));
    for (const [event, name] of heard) expect([event, name]).toEqual([event, "ada"]);
  });

  it.skipIf(skip)(`keep the session behind multer${note}`, async () => {
    const multer = packageOf("multer") as () => { single(name: string): express.RequestHandler };
    const { logIn } = await pages((app) => {
      app.post("/", multer().single("file"), (req, res) => {
        const { file } = req as unknown as { file: { size: number } };
        res.send(`${session.username} ${file.size}`);
      });
    });
    const form = (size: number) =>
      `--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${"a".repeat(size)}\r\n--x--\r\n`;
    const people = await Promise.all(["ada", "bob"].map(logIn));
    const type = { "Content-Type": "multipart/form-data; boundary=x" };
    const sizes = [10, 200_000];
    const answers = await Promise.all(
      people.flatMap((visitor) => sizes.map((size) => visitor.send("POST", "/", type, form(size)))),
    );
    expect(answers.map(({ body }) => body)).toEqual(["ada 10", "ada 200000", "bob 10", "bob 200000"]);
  });

  it.skipIf(skip)(`tell morgan and on-finished who was there${note}`, async () => {
    const lines: string[] = [];
    const morgan = packageOf("morgan") as ((format: (req: never) => string, options: object) => never) &
      object;
    const onFinished = packageOf("on-finished") as (res: object, listener: () => void) => void;
    const { logIn } = await pages((app) => {
      app.use(
        morgan(() => `morgan: ${session.username}`, {
          stream: { write: (line: string) => lines.push(line) },
        }),
      );
      app.get("/", (_, res) => {
        onFinished(res, () => lines.push(`on-finished: ${session.username}`));
        res.send("hello");
      });
    });
    await (await logIn("ada")).get("/");
    await vi.waitFor(() => expect(lines.sort()).toEqual(["morgan: ada\n", "on-finished: ada"]));
  });

  it("belong to the inner one of two sessions of a request", async () => {
    const inner = sessions({ secretKey, cookieName: "inner" }, { onError });
    const { logIn } = await pages((app) => {
      app.post("/", inner, express.text(), (req, res) => {
        session.count = 1;
        res.json([{ ...session }, { ...req.session }]);
      });
    });
    const ada = await logIn("ada");
    const { body } = await ada.send("POST", "/", { "Content-Type": "text/plain" }, "text");
    expect(JSON.parse(body)).toEqual([{ count: 1 }, { count: 1 }]);
    expect([...ada.cookies.keys()]).toEqual(["session", "inner"]);
  });
});

describe("a hook of Fastify that calls back in another request's context", () => {
  it("is followed by a handler in its own", async () => {
    const bus = new EventEmitter();
    const app = fastify();
    app.register(fastifySessions({ secretKey }, { onError }));
    // All three call back together, in the context of the first.
    let waiting: (() => void)[] = [];
    app.addHook("preValidation", (_, __, next) => {
      waiting.push(next);
      if (waiting.length > 1) return;
      void vi.waitFor(() => expect(waiting).toHaveLength(3)).then(() => bus.emit("loaded"));
    });
    bus.on("loaded", () => {
      const all = waiting;
      waiting = [];
      for (const next of all) next();
    });
    app.get("/:name", (request) => {
      session.username ??= (request.params as { name: string }).name;
      return session.username;
    });
    const answers = await Promise.all(["ada", "bob", "carol"].map((name) => app.inject(`/${name}`)));
    expect(answers.map(({ body }) => body)).toEqual(["ada", "bob", "carol"]);
    await app.close();
  });
});

describe("a request that answers others", () => {
  /** Everybody waits at "/next" for what somebody says. */
  const chat = async (
    say: (others: ReadonlySet<ExpressResponse>, text: string) => void,
    options: object = {},
  ) => {
    const arrivals = new EventEmitter();
    const served = await pages((app) => {
      const waiting = new Set<ExpressResponse>();
      app.get("/next", (_, res) => {
        waiting.add(res);
        arrivals.emit("next");
      });
      app.get("/events", (_, res) => {
        res.writeHead(200, { "Content-Type": "text/event-stream" }).write(":\n\n");
        waiting.add(res);
        res.on("close", () => waiting.delete(res));
      });
      app.post("/say/:text", (req, res) => {
        const others = new Set(waiting);
        waiting.clear();
        say(others, req.params.text);
        res.end(`told ${others.size}`);
      });
    }, options);
    /** Has the visitor wait for what is said, and resolves once the server knows. */
    const waitAtNext = async (visitor: Awaited<ReturnType<typeof served.logIn>>) => {
      const arrived = once(arrivals, "next");
      const answer = visitor.get("/next");
      await arrived;
      return { answer };
    };
    return { ...served, waitAtNext };
  };

  it("needs nothing where the session is not used", async () => {
    const { logIn, waitAtNext } = await chat((others, text) => others.forEach((res) => res.json(text)));
    const [ada, bob] = await Promise.all(["ada", "bob"].map(logIn));
    const { answer: next } = await waitAtNext(ada!);
    expect((await bob!.post("/say/hello", {})).body).toBe("told 1");
    expect((await next).body).toBe('"hello"');
    expect(told).toEqual([]);
  });

  it("is right by request, though `session` was used", async () => {
    const { logIn, waitAtNext } = await chat((others, text) => {
      const message = `${session.username}: ${text}`;
      withoutSession(() => others.forEach((res) => res.json(message)));
    });
    const [ada, bob] = await Promise.all(["ada", "bob"].map(logIn));
    const { answer: next } = await waitAtNext(ada!);
    expect((await bob!.post("/say/hello", {})).body).toBe("told 1");
    expect((await next).body).toBe('"bob: hello"');
    expect(told).toEqual([]);
  });

  it("is refused if it may be a mistake, and not saved", async () => {
    const { logIn, waitAtNext } = await chat((others, text) => {
      session.said = text;
      others.forEach((res) => res.json(`${session.username}: ${text}`));
    });
    const [ada, bob] = await Promise.all(["ada", "bob"].map(logIn));
    const { answer: next } = await waitAtNext(ada!);
    const said = await bob!.post("/say/hello", {});
    const [refused, answer] = [await next, said];
    expect([refused.status, refused.body, refused.setCookie]).toEqual([500, "Internal Server Error\n", []]);
    expect([answer.status, answer.setCookie]).toEqual([500, []]);
    expect(told).toEqual([expect.any(ForeignContextError), expect.any(ForeignContextError)]);
    expect(String(told[0])).toMatch(/not sent.*AsyncResource\.bind.*withoutSession/s);
    expect(String(told[1])).toMatch(/not saved.*AsyncResource\.bind/s);
  });

  it("changes nothing of its own session that it had not changed", async () => {
    const { logIn, waitAtNext } = await chat((others, text) =>
      others.forEach((res) => res.json(`${session.username}: ${text}`)),
    );
    const [ada, bob] = await Promise.all(["ada", "bob"].map(logIn));
    const { answer: next } = await waitAtNext(ada!);
    const said = await bob!.post("/say/hello", {});
    expect([(await next).status, said.status, said.body]).toEqual([500, 200, "told 1"]);
  });

  it("stores nothing in a store either", async () => {
    const manager = new SessionManager({ secretKey, store: memoryStore(), storeOptions: { sweepEvery: 0 } });
    closing.push(() => manager.close());
    const { logIn, waitAtNext } = await chat(
      (others, text) => {
        session.said = text;
        others.forEach((res) => res.json(text));
      },
      { store: memoryStore(), storeOptions: { sweepEvery: 0 } },
    );
    const [ada, bob] = await Promise.all(["ada", "bob"].map(logIn));
    const { answer: next } = await waitAtNext(ada!);
    expect((await bob!.post("/say/hello", {})).status).toBe(500);
    expect((await next).status).toBe(500);
    expect(told).toHaveLength(2);
  });

  it("sends events to all", async () => {
    const { logIn, port } = await chat((others, text) => {
      const message = `data: ${session.username}: ${text}\n\n`;
      withoutSession(() => others.forEach((res) => res.write(message)));
    });
    const bob = await logIn("bob");
    const listener = await fetch(`http://127.0.0.1:${port}/events`);
    const reader = listener.body!.getReader();
    await reader.read();
    await bob.post("/say/hello", {});
    expect(Buffer.from((await reader.read()).value!).toString()).toBe("data: bob: hello\n\n");
    await reader.cancel();
    expect(told).toEqual([]);
  });

  it("cuts a stream of events off that would tell of another session", async () => {
    const { logIn, port } = await chat((others) =>
      others.forEach((res) => res.write(`data: ${session.username}\n\n`)),
    );
    const bob = await logIn("bob");
    const listener = await fetch(`http://127.0.0.1:${port}/events`);
    const read = listener.text();
    await bob.post("/say/hello", {});
    await expect(read).rejects.toThrow("terminated");
    expect(told).toEqual([expect.any(ForeignContextError)]);
  });
});

describe("withoutSession", () => {
  it("gives what the function gives, and has no session in it", async () => {
    const { visitor } = await serve(
      nodeSessions({ secretKey })((_, res) => {
        const inside = withoutSession(() => [hasSession(), outcome(() => session.username)]);
        res.end(JSON.stringify([inside, hasSession()]));
      }),
    );
    expect(JSON.parse((await visitor().get("/")).body)).toEqual([[false, "OutsideRequestError"], true]);
  });

  it("works outside of a request as well", () => {
    expect(withoutSession(() => 42)).toBe(42);
  });
});
