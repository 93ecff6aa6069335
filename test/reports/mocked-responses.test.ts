/**
 * A response has behind a session what it has without: middleware asks whether a method is there before it calls it, and the
 * responses of tests and of some environments lack some.
 *
 * - eugef/node-mocks-http#312: `flushHeaders` is not implemented
 */
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import express from "express";
import { sessions as expressSessions } from "../../src/adapters/express.ts";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import expressSession from "../../src/express-session.ts";
import { session, type SessionOptions } from "../../src/index.ts";
import { listen } from "../adapters/listen.ts";
import { MapStore } from "../support/map-store.ts";
import { turns } from "../support/turns.ts";

const secretKey = "mocked";
const slow = (): SessionOptions => ({ secretKey, store: new MapStore(Date.now, () => turns()) });
const dropIn = { secret: secretKey, resave: false, saveUninitialized: true };

const DOORS: Record<string, (listener: RequestListener) => RequestListener> = {
  "hipflask/node": (listener) => nodeSessions({ secretKey })(listener),
  "hipflask/node with a store": (listener) => nodeSessions(slow())(listener),
  "hipflask/express": (listener) => express().use(expressSessions({ secretKey })).use(listener),
  "hipflask/express with a store": (listener) => express().use(expressSessions(slow())).use(listener),
  "hipflask/express-session": (listener) => express().use(expressSession(dropIn)).use(listener),
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe.each(Object.entries(DOORS))("%s", (name, door) => {
  it.each(["flushHeaders", "flush"])("adds no %s to a response that has none", async (method) => {
    const seen: unknown[] = [];
    const handler = door((req, res) => {
      seen.push((res as unknown as Record<string, unknown>)[method]);
      if (!name.endsWith("session")) session.seen = true;
      res.end("whole");
    });
    const mocked: RequestListener = (req, res) => {
      // Express gives a response another prototype, so that what it lacks has to be its own.
      Object.assign(res, { [method]: undefined } as Partial<ServerResponse>);
      handler(req, res as never);
    };
    const server = await listen(createServer(mocked));
    closing.push(server.close);
    const response = await fetch(`http://127.0.0.1:${server.port}`, { signal: AbortSignal.timeout(10_000) });
    expect([await response.text(), response.headers.getSetCookie().length, ...seen]).toEqual([
      "whole",
      1,
      undefined,
    ]);
  });
});
