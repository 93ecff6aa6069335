import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { sessions } from "../../src/adapters/hono.ts";
import { conversations, type Harness } from "./conversations.ts";
import { listen } from "./listen.ts";
import { webResponse } from "./web-response.ts";

const harness: Harness = {
  serve(app, options) {
    const hono = new Hono();
    // What Hono does without one, but for the log.
    hono.onError((error, c) =>
      error instanceof HTTPException ? error.getResponse() : c.text("Internal Server Error", 500),
    );
    hono.use(sessions(options));
    hono.notFound(async (c) => webResponse(await app({ method: c.req.method, path: "/nowhere" })));
    hono.all("*", async (c, next) => {
      if (c.req.path === "/nowhere") return next();
      return webResponse(await app({ method: c.req.method, path: c.req.path }));
    });
    return listen(createAdaptorServer({ fetch: hono.fetch }));
  },
};

conversations("hipflask/hono", harness);
