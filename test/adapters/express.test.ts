import express5, { type Express, type Request, type Response } from "express";
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { describe, expect, it, vi } from "vitest";
import { sessions } from "../../src/adapters/express.ts";
import { createSession, getSession, session, SessionManager, type SessionOptions } from "../../src/index.ts";
import { turns } from "../support/turns.ts";
import { savesBeforeHeaders, writeLate } from "./before-headers.ts";
import { conversations, type App, type Harness } from "./conversations.ts";
import { listen } from "./listen.ts";

// Neither has types of its own.
const require = createRequire(import.meta.url);
const compression = require("compression") as () => express5.RequestHandler;

// Express tells of every error it answers.
vi.spyOn(console, "error").mockReturnValue();

const versions = { "Express 5": express5, "Express 4": require("express4") as typeof express5 };

for (const [version, express] of Object.entries(versions)) {
  const name = `hipflask/express on ${version}`;

  const build = (options: SessionOptions): Express => {
    const app = express();
    // Stack traces are for development.
    app.set("env", "production");
    return app.use(sessions(options, { onError: () => {} }));
  };

  const harness: Harness = {
    serve(app, options) {
      const server = build(options).use((req, res, next) => {
        // Express 4 ignores rejected promises.
        answer(app, req, res).then(undefined, next);
      });
      return listen(createServer(server));
    },
  };

  conversations(name, harness);

  const serveWays = (options: SessionOptions) => {
    const app = build(options);
    app.use((_, __, next) => {
      session.seen = true;
      next();
    });
    app.get("/send", (_, res) => void res.send("success"));
    app.get("/json", (_, res) => void res.json({ success: true }));
    app.get("/redirect", (_, res) => res.redirect("/send"));
    app.get("/pipe", (_, res) => void createReadStream(import.meta.filename).pipe(res));
    app.get("/sendFile", (_, res) => res.sendFile(import.meta.filename));
    app.get("/flushHeaders", async (_, res) => {
      res.flushHeaders();
      await turns(5);
      res.end(`success, ${writeLate()}`);
    });
    app.get("/events", async (_, res) => {
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      for (const event of ["success", writeLate()]) {
        res.write(`data: ${event}\n\n`);
        await turns();
      }
      res.end();
    });
    app.get("/throws", () => {
      throw new Error("failed on purpose");
    });
    return listen(createServer(app));
  };

  savesBeforeHeaders(name, serveWays, {
    "/send": { body: "success" },
    "/json": { body: '{"success":true}' },
    "/redirect": { status: 302 },
    "/pipe": { body: "createReadStream" },
    "/sendFile": { body: "createReadStream" },
    "/flushHeaders": { body: "success, SessionClosedError" },
    "/events": { body: "data: success\n\n" },
    "/throws": { status: 500 },
    "/nowhere": { status: 404 },
  });

  describe(`${name}`, () => {
    const once = async (app: Express, path = "/", init: RequestInit = {}) => {
      const server = await listen(createServer(app));
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
      const answer = { status: response.status, cookies: response.headers.getSetCookie() };
      return { ...answer, body: await response.text().finally(() => server.close()) };
    };
    const secretKey = "express";

    it("puts the session where Express people look for it", async () => {
      const app = build({ secretKey }).get("/", (req, res) => {
        req.session.username = "ada";
        res.json([session.username, getSession(req).username, getSession(res).username]);
      });
      expect(JSON.parse((await once(app)).body)).toEqual(["ada", "ada", "ada"]);
    });

    it("keeps `session` behind a body parser", async () => {
      const app = build({ secretKey });
      app.use(express.json()).post("/", (req, res) => {
        session.username = (req.body as { username: string }).username;
        res.end();
      });
      const headers = { "Content-Type": "application/json" };
      const { cookies } = await once(app, "/", { method: "POST", headers, body: '{"username":"ada"}' });
      expect(cookies).toHaveLength(1);
    });

    it("leaves what handlers throw to Express' error handlers, and saves with their page", async () => {
      const app = build({ secretKey }).get("/", () => {
        session.before = "failure";
        throw new Error("failed on purpose");
      });
      app.use((_: unknown, __: Request, res: Response, next: () => void) => {
        session.after = "failure";
        res.status(418).send("sorry");
        void next;
      });
      const { status, cookies, body } = await once(app);
      expect([status, cookies.length, body]).toEqual([418, 1, "sorry"]);
    });

    it("takes a manager that others use too", async () => {
      const manager = new SessionManager({ secretKey });
      const app = express()
        .use(sessions(manager))
        .get("/", (_, res) => void res.send(String(session.isNew)));
      expect((await once(app)).body).toBe("false");
    });

    describe("while a session is being saved", () => {
      const slow = { openSession: () => createSession(), saveSession: () => turns() };

      it("lets nothing change the answer that waits", async () => {
        const app = build({ sessionInterface: slow }).get("/", (_, res) => {
          res.status(201).send("first");
          expect(res.headersSent).toBe(true);
          expect(() => res.status(500).send("the second answer")).toThrow("headers");
        });
        expect(await once(app)).toMatchObject({ status: 201, body: "first" });
      });

      it("cuts the connection for an error that comes after the answer, as Express does", async () => {
        const app = build({ sessionInterface: slow }).get("/", (_, res, next) => {
          res.send("first");
          next(new Error("too late on purpose"));
        });
        await expect(once(app)).rejects.toThrow("fetch failed");
      });

      it("sends what is compressed, before or behind it", async () => {
        for (const isBehind of [true, false]) {
          const app = express();
          if (!isBehind) app.use(compression());
          app.use(sessions({ sessionInterface: slow }));
          if (isBehind) app.use(compression());
          app.get("/", (_, res) => {
            res.type("text");
            for (let line = 0; line < 500; line++) res.write("a line that repeats\n");
            res.end();
          });
          expect((await once(app)).body).toHaveLength(10_000);
        }
      });
    });
  });
}

async function answer(app: App, req: Request, res: Response): Promise<void> {
  const { status = 200, headers = {}, body = "" } = await app({ method: req.method, path: req.path });
  res.status(status).set(headers);
  if (typeof body === "string") return void res.send(body);
  for await (const chunk of body()) res.write(chunk);
  res.end();
}
