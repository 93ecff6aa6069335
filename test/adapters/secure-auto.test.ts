import express from "express";
import fastify from "fastify";
import { H3 } from "h3";
import { Hono } from "hono";
import Koa from "koa";
import { once } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { createServer as createHttpsServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as fastifySessions } from "../../src/adapters/fastify.ts";
import { sessions as fetchSessions } from "../../src/adapters/fetch.ts";
import { sessions as h3Sessions } from "../../src/adapters/h3.ts";
import { sessions as honoSessions } from "../../src/adapters/hono.ts";
import { sessions as koaSessions } from "../../src/adapters/koa.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import { session, SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";

const options = { secretKey: "dev", cookieSecure: "auto" } as const;
const visit = () => ((session.seen = true), "ok");
const leave = () => (session.clear(), "ok");

/** The cookie that a server behind a TLS proxy sets, with and without the app's trust in such a proxy. */
async function behindProxy(listener: RequestListener): Promise<string> {
  const server = createHttpServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { "X-Forwarded-Proto": "https" } });
  await response.text();
  await close(server);
  return response.headers.getSetCookie()[0]!;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

const isSecure = (line: string) => line.includes("; Secure; HttpOnly");

describe('cookieSecure: "auto"', () => {
  it.each([true, false])("follows Express' trust in proxies: %s", async (trusts) => {
    const app = express().set("trust proxy", trusts).use(expressSessions(options));
    app.get("/", (_, res) => void res.send(visit()));
    expect(isSecure(await behindProxy(app))).toBe(trusts);
  });

  it.each([true, false])("follows Koa's trust in proxies: %s", async (trusts) => {
    const app = new Koa({ proxy: trusts }).use(koaSessions(options));
    app.use((ctx) => void (ctx.body = visit()));
    expect(isSecure(await behindProxy(app.callback() as RequestListener))).toBe(trusts);
  });

  it.each([true, false])("follows Fastify's trust in proxies: %s", async (trusts) => {
    const app = fastify({ trustProxy: trusts }).register(fastifySessions(options));
    app.get("/", () => visit());
    await app.ready();
    expect(isSecure(await behindProxy((req, res) => app.routing(req, res)))).toBe(trusts);
    await app.close();
  });

  it("follows the connection on node:http, and no header", async () => {
    const listener = nodeSessions(options)((_, res) => res.end(visit()));
    expect(isSecure(await behindProxy(listener))).toBe(false);
    expect(isSecure(await overTls(listener))).toBe(true);
  });

  it.each(["http", "https"])("follows the URL of web requests: %s", async (scheme) => {
    const url = `${scheme}://shop.example/`;
    const handler = fetchSessions(options)(() => new Response(visit()));
    const hono = new Hono().use(honoSessions(options)).get("/", (c) => c.text(visit()));
    const h3 = new H3().use(h3Sessions(options)).get("/", visit);
    const responses = [await handler(new Request(url)), await hono.request(url), await h3.request(url)];
    const lines = responses.map((response) => response.headers.getSetCookie()[0]!);
    expect(lines.map(isSecure)).toEqual(Array.from(lines, () => scheme === "https"));
  });

  it("removes a cookie as it was set, in a cookie and in a store", async () => {
    for (const store of [undefined, memoryStore()]) {
      const manager = new SessionManager({ ...options, store, storeOptions: { sweepEvery: 0 } });
      const app = fetchSessions(manager)(
        (request) => new Response(request.url.endsWith("/leave") ? leave() : visit()),
      );
      const first = await app(new Request("https://shop.example/"));
      const cookie = first.headers.getSetCookie()[0]!.split(";")[0]!;
      const last = await app(new Request("https://shop.example/leave", { headers: { cookie } }));
      expect(last.headers.getSetCookie()[0]).toMatch(/Max-Age=0; Secure; HttpOnly/);
    }
  });
});

/** A connection by a key that both sides know, which needs no certificate (RFC 4279). */
async function overTls(listener: RequestListener): Promise<string> {
  const psk = Buffer.alloc(16, 7);
  const cipher = { ciphers: "PSK-AES128-GCM-SHA256", maxVersion: "TLSv1.2" } as const;
  const server = createHttpsServer({ ...cipher, pskCallback: () => psk }, listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const visitor = {
    ...cipher,
    host: "127.0.0.1",
    port,
    pskCallback: () => ({ psk, identity: "visitor" }),
    checkServerIdentity: () => undefined,
  };
  const [response] = (await once(httpsRequest(visitor).end(), "response")) as [IncomingMessage];
  response.resume();
  await close(server as unknown as Server);
  return response.headers["set-cookie"]![0]!;
}
