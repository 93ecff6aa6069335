import fastify, { type FastifyInstance } from "fastify";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/fastify.ts";
import { createSession, getSession, session, type SessionOptions, StoreError } from "../../src/index.ts";
import { turns } from "../support/turns.ts";
import { savesBeforeHeaders, writeLate } from "./before-headers.ts";
import { conversations, type Harness } from "./conversations.ts";
import type { Listening } from "./listen.ts";

const build = (options: SessionOptions): FastifyInstance =>
  fastify().register(sessions(options, { onError: () => {} }));

async function serve(app: FastifyInstance): Promise<Listening> {
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  return { port: Number(new URL(address).port), close: () => app.close() };
}

const harness: Harness = {
  serve(answer, options) {
    const app = build(options);
    app.setErrorHandler((error: { status?: number }, _, reply) =>
      reply.code(error.status ?? 500).send("sorry"),
    );
    app.all("*", async (request, reply) => {
      const {
        status = 200,
        headers = {},
        body = "",
      } = await answer({ method: request.method, path: request.url });
      reply.code(status).headers(headers);
      return typeof body === "string" ? body : Readable.from(body());
    });
    return serve(app);
  },
};

conversations("hipflask/fastify", harness);

savesBeforeHeaders(
  "hipflask/fastify",
  (options) => {
    const app = build(options);
    app.setErrorHandler((error: { status?: number }, _, reply) =>
      reply.code(error.status ?? 500).send("sorry"),
    );
    app.addHook("preHandler", async () => void (session.seen = true));
    app.get("/send", (_, reply) => reply.header("ETag", "success").send("success"));
    app.get("/return", async () => ({ success: true }));
    app.get("/redirect", (_, reply) => reply.redirect("/send"));
    app.get("/pipe", (_, reply) => reply.send(createReadStream(import.meta.filename)));
    app.get("/response", () => new Response("success", { status: 202, headers: { Vary: "Accept" } }));
    app.get("/flushHeaders", async (_, reply) => {
      reply.raw.flushHeaders();
      await turns(5);
      reply.hijack().raw.end(`success, ${writeLate()}`);
    });
    app.get("/events", async (_, reply) => {
      reply.hijack().raw.writeHead(200, { "Content-Type": "text/event-stream" });
      for (const event of ["success", writeLate()]) {
        reply.raw.write(`data: ${event}\n\n`);
        await turns(5);
      }
      reply.raw.end();
    });
    app.get("/throws", () => {
      throw new Error("failed on purpose");
    });
    return serve(app);
  },
  {
    "/send": { body: "success" },
    "/return": { body: '{"success":true}' },
    "/redirect": { status: 302 },
    "/pipe": { body: "createReadStream" },
    "/response": { status: 202, body: "success" },
    "/flushHeaders": { body: "success, SessionClosedError" },
    "/events": { body: "data: SessionClosedError" },
    "/throws": { status: 500, body: "sorry" },
    "/nowhere": { status: 404 },
  },
);

describe("hipflask/fastify", () => {
  const secretKey = "fastify";

  it("puts the session where Fastify people look for it", async () => {
    const app = build({ secretKey });
    app.get("/", (request, reply) => {
      request.session.username = "ada";
      return [session, getSession(request), getSession(request.raw), getSession(reply)].map(
        ({ username }) => username,
      );
    });
    const answer = await app.inject("/");
    expect(answer.json()).toEqual(["ada", "ada", "ada", "ada"]);
    expect(answer.headers["set-cookie"]).toMatch(/^session=/);
  });

  it("keeps `session` behind a body that comes in parts", async () => {
    const app = build({ secretKey });
    app.post("/", (request) => (session.username = request.body));
    const { port, close } = await serve(app);
    const body = async function* () {
      yield '"a';
      await turns();
      yield 'da"';
    };
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: ReadableStream.from(body()),
      duplex: "half",
    } as RequestInit);
    expect([await answer.text(), answer.headers.getSetCookie().length]).toEqual(["ada", 1]);
    await close();
  });

  it("merges with the headers of a `Response`", async () => {
    const app = build({ secretKey });
    const headers = [
      ["Vary", "Accept"],
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
    ] as [string, string][];
    app.get("/", () => {
      session.username = "ada";
      return new Response(null, { status: 302, headers });
    });
    const { headers: given, statusCode } = await app.inject("/");
    expect(statusCode).toBe(302);
    expect(given.vary).toBe("Accept, Cookie");
    expect(given["set-cookie"]).toEqual(["a=1", "b=2", expect.stringMatching(/^session=/)]);
  });

  it("hands a failed save to the error handler, which answers with its status", async () => {
    const down = () => Promise.reject(new StoreError("unavailable", "The store is down."));
    const app = build({ sessionInterface: { openSession: () => createSession(), saveSession: down } });
    app.get("/", (_, reply) => reply.header("Set-Cookie", "a=1").redirect("/elsewhere"));
    const answer = await app.inject("/");
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({
      statusCode: 503,
      message: expect.stringMatching(/^The store is down\./),
    });
    expect(answer.headers).not.toHaveProperty("location");
    expect(answer.headers).not.toHaveProperty("set-cookie");
  });

  it("covers plugins that are registered after it", async () => {
    const app = build({ secretKey });
    app.register(async (inner) => void inner.get("/inner", () => String(session.isNew)));
    expect((await app.inject("/inner")).body).toBe("false");
  });
});
