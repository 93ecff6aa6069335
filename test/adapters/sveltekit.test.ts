import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessions, type SvelteKitEvent, type SvelteKitHandle } from "../../src/adapters/sveltekit.ts";
import { createSession, getSession, session, type SessionOptions, StoreError } from "../../src/index.ts";
import { BUILD_TIMEOUT, frameworkApp, type FrameworkApp } from "../support/framework-app.ts";
import { frameworks } from "../support/frameworks.ts";
import { turns } from "../support/turns.ts";
import { savesBeforeHeaders } from "./before-headers.ts";
import { conversations, type App } from "./conversations.ts";
import { listen, type Listening } from "./listen.ts";
import { webResponse } from "./web-response.ts";

/** What the built app asks for at each request: which server it is, the test knows by its port. */
interface Server {
  readonly handle: SvelteKitHandle;
  readonly answer: (event: SvelteKitEvent & { readonly url: URL }) => Response | Promise<Response>;
}

interface BuiltEvent {
  readonly platform: { readonly req: { readonly socket: { readonly localPort: number } } };
}

const { skip, note } = frameworks();
const servers = new Map<number, Server>();
let app: FrameworkApp;
let handler: RequestListener;

async function serve(server: Server): Promise<Listening> {
  const listening = await listen(createServer(handler));
  servers.set(listening.port, server);
  return listening;
}

beforeAll(async () => {
  if (skip) return;
  app = await frameworkApp("sveltekit-harness");
  await app.run("vite/bin/vite.js", "build");
  const serverOf = ({ platform }: BuiltEvent) => servers.get(platform.req.socket.localPort)!;
  Object.assign(globalThis, {
    [Symbol.for("hipflask.harness")]: {
      handle: (input: { event: BuiltEvent }) => serverOf(input.event).handle(input as never),
      answer: (event: BuiltEvent) => serverOf(event).answer(event as never),
    },
  });
  ({ handler } = (await import(pathToFileURL(join(app.folder, "build/handler.js")).href)) as {
    handler: RequestListener;
  });
}, BUILD_TIMEOUT);

afterAll(() => app?.remove());

const answering =
  (answer: App): Server["answer"] =>
  async ({ request, url }) =>
    webResponse(await answer({ method: request.method, path: url.pathname }));

describe.skipIf(skip)(`SvelteKit, built and served by Node${note}`, () => {
  conversations("hipflask/sveltekit", {
    serve: (answer, options) =>
      serve({ handle: sessions(options, { onError: () => {} }), answer: answering(answer) }),
  });

  savesBeforeHeaders(
    "hipflask/sveltekit",
    (options) => {
      const handle = sessions(options, { onError: () => {} });
      return serve({
        handle: ({ event, resolve }) =>
          handle({
            event,
            resolve: (event) => {
              session.seen = true;
              return resolve(event);
            },
          }),
        answer: answering(({ path }) => {
          if (path === "/send") return { headers: { ETag: "success" }, body: "success" };
          if (path === "/json") return { body: '{"success":true}' };
          if (path === "/redirect") return { status: 302, headers: { Location: "/send" } };
          if (path === "/crash") throw new Error("failed on purpose");
          if (path !== "/stream") return { status: 404, body: "not found" };
          const events = async function* () {
            yield "success;";
            await turns();
            yield "end";
          };
          return { body: events };
        }),
      });
    },
    {
      "/send": { body: "success" },
      "/json": { body: '{"success":true}' },
      "/redirect": { status: 302 },
      "/stream": { body: "success;" },
      "/crash": { status: 500 },
      "/nowhere": { status: 404 },
      "/ways/page": { body: "success" },
      "/ways/page-redirect": { status: 302 },
      "/ways/page-error": { status: 418 },
      "/ways/page-crash": { status: 500 },
      "/ways/nowhere": { status: 404 },
    },
  );

  describe("hipflask/sveltekit", () => {
    const secretKey = "sveltekit";
    const ask = async (server: Server, path = "/", init: RequestInit = {}) => {
      const { port, close } = await serve(server);
      try {
        const origin = { Origin: `https://127.0.0.1:${port}` };
        return await fetch(`http://127.0.0.1:${port}${path}`, {
          ...init,
          redirect: "manual",
          headers: { ...origin, ...init.headers },
        });
      } finally {
        await close();
      }
    };

    it("puts the session where SvelteKit's people look for it", async () => {
      const answer = await ask({
        handle: sessions({ secretKey }),
        answer: (event) => {
          event.locals.session.username = "ada";
          return Response.json(
            [session, getSession(event), getSession(event.request)].map(({ username }) => username),
          );
        },
      });
      expect(await answer.json()).toEqual(["ada", "ada", "ada"]);
      expect(answer.headers.getSetCookie()).toHaveLength(1);
    });

    it.each([
      ["a form", "text/html", 303],
      ["use:enhance", "application/json", 200],
    ])("keeps what an action wrote before it redirected, sent by %s", async (_, Accept, status) => {
      const handle = sessions({ secretKey });
      const answer = await ask(
        {
          handle: ({ event, resolve }) =>
            handle({ event, resolve: (event) => ((session.username = "ada"), resolve(event)) }),
          answer: () => new Response(),
        },
        "/ways/form",
        { method: "POST", body: new URLSearchParams({ a: "1" }), headers: { Accept } },
      );
      expect(answer.status).toBe(status);
      expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^session=/)]);
    });

    it("throws a save that fails to SvelteKit, and answers one that asks for a status", async () => {
      const heard: unknown[] = [];
      for (const [error, status] of [
        [new Error("on purpose"), 500],
        [new StoreError("unavailable", "on purpose"), 503],
      ] as const) {
        const sessionInterface = {
          openSession: () => createSession(),
          saveSession: () => Promise.reject(error),
        };
        const handle = sessions({ sessionInterface }, { onError: (error) => heard.push(error) });
        const answer = await ask({ handle, answer: () => new Response("success") });
        expect(answer.status).toBe(status);
        expect(answer.headers.get("Retry-After")).toBe(status === 503 ? "5" : null);
        expect(await answer.text()).not.toMatch(/success|on purpose/);
      }
      expect(heard).toEqual([expect.any(StoreError)]);
    });

    it.each([
      ["redirect", { status: 303, location: "/elsewhere" }],
      ["error", new Error("on purpose")],
    ])("saves what was written before a later hook threw: %s", async (_, thrown) => {
      const saved: unknown[] = [];
      const sessionInterface = {
        openSession: () => createSession(),
        saveSession: (saving: typeof session) => void saved.push(saving.toJSON()),
      };
      const handle = sessions({ sessionInterface } as SessionOptions);
      const answer = await ask({
        handle: ({ event }) =>
          handle({
            event,
            resolve: () => {
              session.before = "hook";
              throw thrown;
            },
          }),
        answer: () => new Response(),
      });
      expect(answer.status).toBe(500); // a redirect made by hand is none of SvelteKit's
      expect(saved).toEqual([{ before: "hook" }]);
    });
  });
});
