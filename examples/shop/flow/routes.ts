import { dumpCookie } from "hipflask";
import { Hono } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import type { ShopEnv } from "../shop-env.ts";
import { newRecord } from "./flow-record.ts";
import { forge } from "./forge.ts";
import { flowPanel } from "./panel.ts";
import { cookieOf, visitorOf } from "./recorder.ts";
import type { Visitor, Visitors } from "./visitors.ts";

const HEARTBEAT = 20_000;
const MAX_WATCHERS = 4;

/** The routes of the panel. Mounted outside the session middleware, so they do not affect the session. */
export function flowRoutes(visitors: Visitors): Hono<ShopEnv> {
  const app = new Hono<ShopEnv>();

  app.get("/", (c) => {
    const visitor = visitorOf(c, visitors);
    c.header("Cache-Control", "no-store");
    return visitor === undefined ? c.body(null, 404) : c.html(flowPanel(visitor));
  });

  app.get("/stream", (c) => {
    const visitor = visitorOf(c, visitors);
    // 204 tells a browser not to try again.
    if (visitor === undefined || visitor.watchers.size >= MAX_WATCHERS) return c.body(null, 204);
    return streamSSE(c, (stream) => watch(visitor, stream));
  });

  app.post("/tamper", (c) => {
    const visitor = visitorOf(c, visitors);
    const cookie = cookieOf(c, "session");
    if (visitor === undefined || cookie === undefined || cookie === "") return c.redirect("/", 303);
    const isForgery = visitor.forgery?.altered === cookie;
    const altered = isForgery ? visitor.forgery!.original : forge(cookie);
    visitor.forgery = isForgery ? undefined : { original: cookie, altered };

    const setCookie = dumpCookie("session", altered, { httpOnly: true, path: "/", sameSite: "Lax" });
    const note = isForgery
      ? "The demo put the byte back, without the key."
      : "The demo changed one byte of the data, without the key.";
    visitor.add({ ...newRecord("POST", c.req.path, Date.now(), cookie), setCookie, status: 303, note });
    c.header("Set-Cookie", setCookie);
    return c.redirect("/", 303);
  });

  return app;
}

/** Sends the version of the flow at once, after each record, and regularly, so that a dead connection is detected. */
function watch(visitor: Visitor, stream: SSEStreamingApi): Promise<void> {
  return new Promise((resolve) => {
    const tell = (): void => void stream.writeSSE({ data: String(visitor.version) });
    const heartbeat = setInterval(tell, HEARTBEAT);
    visitor.watchers.add(tell);
    stream.onAbort(() => {
      clearInterval(heartbeat);
      visitor.watchers.delete(tell);
      resolve();
    });
    tell();
  });
}
