import { fileURLToPath } from "node:url";
import { serveStatic } from "@hono/node-server/serve-static";
import { SessionManager, type SessionOptions, type SessionRequest } from "hipflask";
import { sessions } from "hipflask/hono";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { csrf } from "hono/csrf";
import { etag } from "hono/etag";
import { HTTPException } from "hono/http-exception";
import { deviceViews } from "./device-views.ts";
import { ObservedSessions } from "./flow/observed-sessions.ts";
import { observedStore } from "./flow/observed-store.ts";
import { recorder } from "./flow/recorder.ts";
import { flowRoutes } from "./flow/routes.ts";
import { Visitors } from "./flow/visitors.ts";
import { frame } from "./pages/frame.ts";
import { show } from "./pages/show.ts";
import { sorryPage } from "./pages/sorry-page.ts";
import { securityHeaders } from "./security-headers.ts";
import type { ShopEnv } from "./shop-env.ts";
import { Till } from "./till.ts";
import { views } from "./views.ts";

const files = serveStatic({
  root: fileURLToPath(new URL("public", import.meta.url)),
  rewriteRequestPath: (path) => path.slice("/static".length),
  onFound: (_, c) => c.header("Cache-Control", "no-cache"),
});

/** The complete shop. A real one would omit everything in `flow/`. */
export function createShop(options: SessionOptions, till: Till = new Till()): Hono<ShopEnv> {
  const visitors = new Visitors();
  const store = options.store && observedStore(options.store);
  const manager = new SessionManager({
    cookieSameSite: "Lax",
    ...options,
    store,
    storeOptions: { device: userAgent, ...options.storeOptions },
  });
  const app = new Hono<ShopEnv>();

  app.use(securityHeaders);
  app.use("/static/*", etag(), files);
  app.use(bodyLimit({ maxSize: 8 * 1024 }), csrf());
  app.route("/flow", flowRoutes(visitors));

  // From the outside in: the frame needs the record of the session that the views use.
  app.use(frame, recorder(visitors));
  app.use(sessions({ sessionInterface: new ObservedSessions(manager.sessionInterface) }));
  app.use(async (c, next) => {
    if (store !== undefined) c.set("manager", manager);
    await next();
  });
  app.route("/", views(till));
  app.route("/devices", deviceViews());

  app.notFound((c) => show(c, sorryPage("Nothing here", "There is no such page in this shop."), 404));
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse();
    console.error(error);
    return show(c, sorryPage("Sorry", "Something broke on our side. Your cart is as it was."), 500);
  });
  return app;
}

/** The description of each device. */
function userAgent(request: SessionRequest): string {
  return (request.headers.get("User-Agent") ?? "").slice(0, 300);
}
