import {
  createApp,
  createEvent,
  defineEventHandler,
  sendRedirect,
  toNodeListener,
  type App as H3App,
  type H3Event,
} from "h3v1";
import { createServer, ServerResponse, type IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { sessions as sessionsOfH3 } from "../../src/adapters/h3.ts";
import { sessions, type NuxtApp } from "../../src/adapters/nuxt.ts";
import { ConfigError, getSession, session, StoreError } from "../../src/index.ts";
import { conversations, type Harness } from "./conversations.ts";
import { listen } from "./listen.ts";
import { webResponse } from "./web-response.ts";

/** What Nitro 2 does: plugins run when its app of h3 is made. */
function nitro(app: H3App, plugin: (nitroApp: NuxtApp) => void): H3App {
  plugin({ h3App: app } as unknown as NuxtApp);
  return app;
}

const serve = (app: H3App) => listen(createServer(toNodeListener(app)));

const harness: Harness = {
  serve(answer, options) {
    // h3 shows the messages of errors; ours are not for visitors.
    const app = createApp({
      onError: (_, event) => {
        event.node.res.statusCode = 500;
        event.node.res.end("Internal Server Error");
      },
    });
    app.use(
      defineEventHandler(async ({ method, path }) => {
        const { body, status, headers } = webResponse(await answer({ method, path }));
        return new Response(body, { status, headers });
      }),
    );
    return serve(nitro(app, sessions(options, { onError: () => {} })));
  },
};

conversations("hipflask/nuxt", harness);

it("puts the session where people of h3 look for it", async () => {
  const app = createApp().use(
    "/",
    defineEventHandler((event) => {
      event.context["session"].username = "ada";
      return [session, getSession(event), getSession(event.node.req)].map(({ username }) => username);
    }),
  );
  const server = await serve(nitro(app, sessions({ secretKey: "nuxt" })));
  const answer = await fetch(`http://127.0.0.1:${server.port}/`);
  expect(await answer.json()).toEqual(["ada", "ada", "ada"]);
  expect(answer.headers.getSetCookie()).toHaveLength(1);
  await server.close();
});

it("answers 503, and nothing of the handler's, when the store is away", async () => {
  const unavailable = () => Promise.reject(new StoreError("unavailable", "The store is down."));
  for (const openSession of [unavailable, () => null]) {
    const app = createApp().use(defineEventHandler((event) => sendRedirect(event, "/elsewhere")));
    const told: unknown[] = [];
    const plugin = sessions(
      { sessionInterface: { openSession, saveSession: unavailable } },
      { onError: (error) => told.push(error) },
    );
    const server = await serve(nitro(app, plugin));
    const answer = await fetch(`http://127.0.0.1:${server.port}/`, { redirect: "manual" });
    const isDown = openSession === unavailable;
    const { headers } = answer;
    expect([answer.status, headers.get("Location"), headers.get("Retry-After")]).toEqual(
      isDown ? [503, null, "5"] : [302, "/elsewhere", null],
    );
    expect(told).toHaveLength(isDown ? 1 : 0);
    await server.close();
  }
});

/** Asks `/page` of an app, whose page asks `/api` of the same app as Nitro does: with its cookies, and with another response. */
async function pageThatFetches(mark: (page: H3Event) => unknown, headers: Record<string, string> = {}) {
  const app = createApp();
  app.use(
    "/page",
    defineEventHandler(async (event) => {
      const req = Object.create(event.node.req, {
        url: { value: "/api", writable: true },
        __unenv__: { value: mark(event) },
      }) as IncomingMessage;
      const res = new ServerResponse(req);
      await app.handler(createEvent(req, res));
      return "a page";
    }),
  );
  app.use(
    "/api",
    defineEventHandler(() => {
      session.visits = (session.visits ?? 0) + 1;
      return null;
    }),
  );
  const server = await serve(nitro(app, sessions({ secretKey: "nuxt" })));
  const answer = await fetch(`http://127.0.0.1:${server.port}/page`, { headers });
  await server.close();
  return [answer.headers.getSetCookie().length, answer.headers.get("Vary")];
}

const byVisitor = (page: H3Event) => page.context;

it.each([
  ["with the same cookies", { Cookie: "theme=dark" }],
  ["without any cookie", {}],
])("shares the session of a page with what the page fetches from its own app %s", async (_, headers) => {
  expect(await pageThatFetches(byVisitor, headers)).toEqual([1, "Cookie"]);
});

it("shares nothing with a plain fetch of a page without cookies", async () => {
  expect(await pageThatFetches(() => undefined)).toEqual([0, null]);
  expect(await pageThatFetches(() => ({}))).toEqual([0, null]);
});

it("says where it belongs instead of failing in every request", async () => {
  const event = { node: {}, context: {} };
  expect(() => sessions({ secretKey: "nuxt" })(event as never)).toThrow(ConfigError);
  expect(() => sessions({ secretKey: "nuxt" })(event as never)).toThrow("server/plugins/session.ts");
  await expect(
    (async () => sessionsOfH3({ secretKey: "h3" })(event as never, undefined as never))(),
  ).rejects.toThrow(/hipflask\/nuxt from server\/plugins\/session\.ts/);
});
