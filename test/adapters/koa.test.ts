import Koa3 from "koa";
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/koa.ts";
import {
  createSession,
  getSession,
  session,
  type SessionOptions,
  StoreError,
  streamWithContext,
} from "../../src/index.ts";
import { turns } from "../support/turns.ts";
import { savesBeforeHeaders, writeLate } from "./before-headers.ts";
import { conversations, type Harness } from "./conversations.ts";
import { listen } from "./listen.ts";

const Koa2 = createRequire(import.meta.url)("koa2") as typeof Koa3;

for (const [version, Koa] of Object.entries({ "Koa 3": Koa3, "Koa 2": Koa2 })) {
  const name = `hipflask/koa on ${version}`;

  const build = (options: SessionOptions): Koa3 => {
    const app = new Koa().use(sessions(options));
    app.silent = true;
    return app;
  };
  const serve = (app: Koa3) => listen(createServer(app.callback()));

  const harness: Harness = {
    serve(answer, options) {
      const app = build(options).use(async (ctx) => {
        const { status = 200, headers = {}, body = "" } = await answer(ctx);
        ctx.set(headers);
        ctx.body = typeof body === "string" ? body : Readable.from(streamWithContext(body()));
        ctx.status = status;
      });
      return serve(app);
    },
  };

  conversations(name, harness);

  const ways: Record<string, (ctx: Koa3.Context) => void | Promise<void>> = {
    "/send": (ctx) => void (ctx.body = "success"),
    "/json": (ctx) => void (ctx.body = { success: true }),
    "/redirect": (ctx) => ctx.redirect("/send"),
    "/pipe": (ctx) => void (ctx.body = createReadStream(import.meta.filename)),
    "/flushHeaders": async (ctx) => {
      ctx.status = 200;
      ctx.flushHeaders();
      await turns(5);
      ctx.body = `success, ${writeLate()}`;
    },
    "/events": (ctx) => {
      ctx.respond = false;
      ctx.type = "text/event-stream";
      ctx.status = 200;
      void turns(5).then(async () => {
        ctx.res.write("data: success\n\n");
        await turns(5);
        ctx.res.end(`data: ${writeLate()}\n\n`);
      });
    },
    "/throws": (ctx) => ctx.throw(402, "pay on purpose", { expose: false }),
    "/nowhere": () => {},
  };

  savesBeforeHeaders(
    name,
    (options) =>
      serve(
        build(options).use((ctx) => {
          session.seen = true;
          return ways[ctx.path]!(ctx);
        }),
      ),
    {
      "/send": { body: "success" },
      "/json": { body: '{"success":true}' },
      "/redirect": { status: 302 },
      "/pipe": { body: "createReadStream" },
      "/flushHeaders": { body: "success, SessionClosedError" },
      "/events": { body: "data: SessionClosedError" },
      "/throws": { status: 402 },
      "/nowhere": { status: 404 },
    },
  );

  describe(`${name}`, () => {
    const once = async (app: Koa3) => {
      const { port, close } = await serve(app);
      const response = await fetch(`http://127.0.0.1:${port}/`);
      const answer = { status: response.status, cookies: response.headers.getSetCookie() };
      return { ...answer, body: await response.text().finally(close) };
    };
    const secretKey = "koa";

    it("puts the session where Koa people look for it", async () => {
      const app = build({ secretKey }).use((ctx) => {
        ctx.session.username = "ada";
        const found = [session, getSession(ctx), getSession(ctx.req), getSession(ctx.res)];
        ctx.body = found.map(({ username }) => username);
      });
      expect(JSON.parse((await once(app)).body)).toEqual(["ada", "ada", "ada", "ada"]);
    });

    it("lets middleware before it answer what was thrown, and saves with it", async () => {
      const app = new Koa();
      app.use(async (ctx, next) => {
        await next().catch(() => void (ctx.body = "sorry"));
      });
      app.use(sessions({ secretKey })).use(() => {
        session.before = "failure";
        throw new Error("on purpose");
      });
      const { body, cookies } = await once(app);
      expect([body, cookies.length]).toEqual(["sorry", 1]);
    });

    it("throws a failed save to the middleware before it, with its status", async () => {
      const down = () => Promise.reject(new StoreError("unavailable", "The store is down."));
      const app = new Koa();
      app.use(async (ctx, next) => {
        await next().catch((error: StoreError) => {
          ctx.status = error.status;
          ctx.body = error.reason;
        });
      });
      app.use(sessions({ sessionInterface: { openSession: () => createSession(), saveSession: down } }));
      expect(await once(app)).toEqual({ status: 503, cookies: [], body: "unavailable" });
    });

    it("tells app.on('error') of a save that fails while an error is being answered", async () => {
      const down = () => Promise.reject(new StoreError("unavailable", "The store is down."));
      const app = build({ sessionInterface: { openSession: () => createSession(), saveSession: down } });
      const heard: string[] = [];
      app.on("error", (error: Error) => heard.push(error.message));
      app.use((ctx) => ctx.throw(500, "on purpose"));
      expect((await once(app)).status).toBe(503);
      expect(heard).toEqual(["on purpose", expect.stringMatching(/^The store is down\./)]);
    });
  });
}

it("cuts a response whose headers were sent before its middleware, instead of leaving it open", async () => {
  const told: unknown[] = [];
  const app = new Koa3().on("error", (error) => told.push((error as { code?: string }).code));
  app.use(async (ctx, next) => (ctx.res.write("early"), next()));
  app.use(sessions({ secretKey: "koa" })).use((ctx) => {
    session.username = "ada";
    ctx.body = "late";
  });
  const server = await listen(createServer(app.callback()));
  const answer = await fetch(`http://127.0.0.1:${server.port}/`);
  await expect(answer.text()).rejects.toThrow("terminated");
  await server.close();
  expect(told).toEqual(["ERR_HTTP_HEADERS_SENT"]);
});
