import express5, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { onTestFinished, vi } from "vitest";
import session, { MemoryStore, type SessionData, type SessionOptions } from "../../src/express-session.ts";
import { listen } from "../adapters/listen.ts";

declare module "../../src/express-session/session.ts" {
  interface SessionData {
    user?: string;
    count?: number;
    cart?: string[];
    anything?: unknown;
  }
}

/** What one response said. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
  /** Its Set-Cookie lines. */
  readonly cookies: string[];
}

/** A site behind the middleware, there until the test ends, visited by one browser that keeps its cookies. */
export interface Site {
  readonly port: number;
  /** What the browser sends. */
  cookie: string | undefined;
  /** Whatever the middleware told of by `next(error)`. */
  readonly errors: unknown[];
  get(path?: string, headers?: Record<string, string>): Promise<Answer>;
}

/** The options nobody has to think about. */
export const quiet = { secret: "keyboard cat", resave: false, saveUninitialized: false } as const;

// It has no types of its own.
const express4 = createRequire(import.meta.url)("express4") as typeof express5;

/** The versions of Express that are supported. */
export const versions = { "Express 5": express5, "Express 4": express4 };

/** @param handler answers every path */
export async function open(
  options: SessionOptions,
  handler: RequestHandler,
  middleware: RequestHandler = session(options),
  express = express5,
): Promise<Site> {
  const errors: unknown[] = [];
  const app: Express = express();
  app.set("env", "test");
  const onError: ErrorRequestHandler = (error, _req, res, next) => {
    errors.push(error);
    if (res.headersSent) next(error);
    else res.status(error.status ?? 500).send(`handled: ${error.message}`);
  };
  app.use(middleware, handler, onError);
  const server = await listen(createServer(app));
  onTestFinished(() => server.close());
  const site: Site = {
    port: server.port,
    cookie: undefined,
    errors,
    async get(path = "/", headers = {}) {
      const sent = site.cookie === undefined ? headers : { Cookie: site.cookie, ...headers };
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        headers: sent,
        redirect: "manual",
      });
      const cookies = response.headers.getSetCookie();
      const own = cookies.find((line) => line.startsWith(options.name ?? "connect.sid"));
      if (own !== undefined) site.cookie = own.split(";", 1)[0];
      return { status: response.status, body: await response.text(), headers: response.headers, cookies };
    },
  };
  return site;
}

/** One request on a connection of its own, byte for byte, until the server hangs up. */
export async function rawGet(
  port: number,
  path: string,
  onBytes: (text: string) => void = () => {},
): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  await once(socket, "connect");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let text = "";
  try {
    for await (const chunk of socket as AsyncIterable<string>) {
      text += chunk;
      onBytes(text);
    }
  } catch {
    // A connection that was cut: what came is what there is.
  }
  return text;
}

/** A store whose verbs can be watched and replaced, one by one. */
export function watchedStore() {
  const store = new MemoryStore();
  const spies = {
    get: vi.spyOn(store, "get"),
    set: vi.spyOn(store, "set"),
    touch: vi.spyOn(store, "touch"),
    destroy: vi.spyOn(store, "destroy"),
  };
  return { store, ...spies };
}

/** Everything a store holds, by id. */
export const contents = (store: MemoryStore): Promise<Record<string, SessionData>> =>
  new Promise((resolve, reject) => {
    store.all((error, sessions) => (error ? reject(error as Error) : resolve(sessions ?? {})));
  });
