import { createAdaptorServer } from "@hono/node-server";
import { expect, it } from "vitest";
import { sessions, type AstroMiddleware } from "../../src/adapters/astro.ts";
import { getSession, OutsideRequestError, session, StoreError } from "../../src/index.ts";
import { conversations } from "./conversations.ts";
import { listen } from "./listen.ts";
import { webResponse } from "./web-response.ts";

type Next = Parameters<AstroMiddleware>[1];

/** What Astro does with a middleware: where something throws, it is asked again, for the error page. */
const astro =
  (onRequest: AstroMiddleware, next: (request: Request) => ReturnType<Next>) =>
  async (request: Request): Promise<Response> => {
    const page = (): Parameters<AstroMiddleware>[0] => ({ request, locals: {}, isPrerendered: false });
    try {
      return await onRequest(page(), () => next(request));
    } catch {
      const failed = async () => new Response("Internal Server Error\n", { status: 500 });
      return onRequest(page(), failed).catch(failed);
    }
  };

conversations("hipflask/astro", {
  serve: (answer, options) =>
    listen(
      createAdaptorServer({
        fetch: astro(sessions(options, { onError: () => {} }), async ({ method, url }) =>
          webResponse(await answer({ method, path: new URL(url).pathname })),
        ),
      }),
    ),
});

const request = new Request("http://localhost/");

it("puts the session where people of Astro look for it", async () => {
  const locals = {} as App.Locals;
  const answer = await sessions({ secretKey: "astro" })(
    { request, locals, isPrerendered: false },
    async () => {
      locals.session["username"] = "ada";
      return Response.json([session, getSession(request)].map(({ username }) => username));
    },
  );
  expect(await answer.json()).toEqual(["ada", "ada"]);
  expect(answer.headers.getSetCookie()).toHaveLength(1);
});

it("says in a prerendered page why there is no session", async () => {
  const onRequest = sessions({ secretKey: undefined });
  const read = onRequest({ request, locals: {}, isPrerendered: true }, async () =>
    Response.json(session.username),
  );
  await expect(read).rejects.toThrow(OutsideRequestError);
  await expect(read).rejects.toThrow("export const prerender = false");
  const page = onRequest({ request, locals: {}, isPrerendered: true }, async () => new Response("about"));
  expect(await (await page).text()).toBe("about");
});

it("asks for its key at the first request, not while the app is built", async () => {
  const onRequest = sessions({ secretKey: undefined });
  const visit = onRequest({ request, locals: {}, isPrerendered: false }, async () => new Response());
  await expect(visit).rejects.toThrow('"secretKey" is undefined');
});

it("answers 503, and nothing of the page, when the store is away", async () => {
  const unavailable = () => Promise.reject(new StoreError("unavailable", "The store is down."));
  for (const openSession of [unavailable, () => null]) {
    const told: unknown[] = [];
    const onRequest = sessions(
      { sessionInterface: { openSession, saveSession: unavailable } },
      { onError: (error) => told.push(error) },
    );
    const own = new Request("http://localhost/");
    const answer = await onRequest({ request: own, locals: {}, isPrerendered: false }, async () => {
      return new Response("<p>page</p>", { headers: { "Content-Type": "text/html" } });
    });
    const isDown = openSession === unavailable;
    expect([answer.status, answer.headers.get("Retry-After"), await answer.text()]).toEqual(
      isDown ? [503, "5", "Service Unavailable\n"] : [200, null, "<p>page</p>"],
    );
    expect(told).toHaveLength(isDown ? 1 : 0);
  }
});

it("does not leak the session through a locals object that all requests share", async () => {
  const locals = {};
  const onRequest = sessions({ secretKey: "astro" });
  const names: unknown[] = [];
  for (const name of ["ada", "bob"]) {
    await onRequest({ request: new Request("http://localhost/"), locals, isPrerendered: false }, async () => {
      names.push(session.username);
      session.username = name;
      return new Response();
    });
  }
  expect(names).toEqual([undefined, undefined]);
});

it("ends a page's request when its client goes away", async () => {
  const onRequest = sessions({ secretKey: "astro" });
  let read = (): unknown => undefined;
  let isCancelled = false;
  const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
  const answer = await onRequest(
    { request: new Request("http://localhost/"), locals: {}, isPrerendered: false },
    async () => {
      const { AsyncResource } = await import("node:async_hooks");
      read = AsyncResource.bind(() => session.username);
      return new Response(body, { headers: { "Content-Type": "text/html" } });
    },
  );
  expect(read()).toBeUndefined();
  await answer.body!.cancel();
  expect(isCancelled).toBe(true);
  expect(read).toThrow(OutsideRequestError);
});
