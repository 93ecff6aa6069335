import { createServer, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  createRequestHandler,
  createStaticHandler,
  data,
  isRouteErrorResponse,
  redirect,
  RouterContextProvider,
  type LoaderFunctionArgs,
  type RouteObject,
  type ServerBuild,
} from "react-router";
import { describe, expect, it } from "vitest";
import { sessionContext, sessions } from "../../src/adapters/react-router.ts";
import { createSession, getSession, session, type SessionOptions, StoreError } from "../../src/index.ts";
import { turns } from "../support/turns.ts";
import { savesBeforeHeaders, writeLate } from "./before-headers.ts";
import { conversations, type Harness } from "./conversations.ts";
import { listen, type Listening } from "./listen.ts";
import { webResponse } from "./web-response.ts";

type Module = ServerBuild["routes"][string] extends (infer Route) | undefined
  ? (Route & { module: object })["module"]
  : never;
type Fetch = (request: Request) => Promise<Response>;

/** What the bundler makes of an app: a root route with our middleware, and routes below it. */
function build(
  options: SessionOptions,
  routes: Record<string, Partial<Module>>,
  errors: unknown[] = [],
): Fetch {
  const root = {
    id: "root",
    path: "",
    module: { middleware: [sessions(options)], default: () => null, ErrorBoundary: () => null },
  };
  const below = Object.entries(routes).map(([path, module]) => ({
    id: `routes/${path}`,
    path,
    parentId: "root",
    module,
  }));
  const noAssets = {
    hasAction: true,
    hasLoader: true,
    hasClientAction: false,
    hasClientLoader: false,
    hasClientMiddleware: false,
    hasErrorBoundary: false,
    module: "",
  };
  const all = [root, ...below];
  const handler = createRequestHandler(
    {
      entry: {
        module: {
          default: (
            _: Request,
            status: number,
            headers: Headers,
            {
              staticHandlerContext,
            }: { staticHandlerContext: { errors: Record<string, unknown> | null; loaderData: object } },
          ) => {
            const [error] = Object.values(staticHandlerContext.errors ?? {});
            const page = isRouteErrorResponse(error)
              ? `boundary: ${error.status} ${String(error.data)}`
              : JSON.stringify(staticHandlerContext.loaderData);
            return new Response(page, { status, headers });
          },
          handleError: (error: unknown) => void errors.push(error),
        },
      },
      routes: Object.fromEntries(all.map((route) => [route.id, route])),
      assets: {
        entry: { module: "", imports: [] },
        routes: Object.fromEntries(all.map((route) => [route.id, { ...route, ...noAssets }])),
        url: "",
        version: "1",
      },
      publicPath: "/",
      assetsBuildDirectory: "",
      future: { v8_middleware: true },
      ssr: true,
      isSpaMode: false,
      prerender: [],
      routeDiscovery: { mode: "initial", manifestPath: "/__manifest" },
    } as unknown as ServerBuild,
    "production",
  );
  // An app with middleware says in a declaration of its own that its context is a provider; that would count for all files here.
  return (request) => handler(request, new RouterContextProvider() as never);
}

/** A server as an app's own would be: requests of the web in, responses of the web out. */
function serve(fetch: Fetch): Promise<Listening> {
  const requestOf = ({ method = "GET", url = "/", headers }: IncomingMessage) =>
    new Request(new URL(url, "http://localhost"), { method, headers: headers as Record<string, string> });
  return listen(
    createServer(async (req, res) => {
      const response = await fetch(requestOf(req));
      res.statusCode = response.status;
      for (const [name, value] of response.headers) res.appendHeader(name, value);
      if (response.body === null || req.method === "HEAD") res.end();
      else await pipeline(Readable.fromWeb(response.body as never), res);
    }),
  );
}

const harness: Harness = {
  serve(answer, options) {
    const loader = async ({ request }: LoaderFunctionArgs) =>
      webResponse(await answer({ method: request.method, path: new URL(request.url).pathname }));
    const route = { loader, action: loader };
    return serve(build(options, { "": route, "*": route }));
  },
};

conversations("hipflask/react-router", harness);

savesBeforeHeaders(
  "hipflask/react-router",
  (options) => {
    const page = (loader: Module["loader"]): Partial<Module> => ({
      loader: (args) => {
        session.seen = true;
        return loader!(args);
      },
    });
    const withPage = (loader: Module["loader"]): Partial<Module> => ({
      ...page(loader),
      default: () => null,
    });
    const events = async function* () {
      yield "success;";
      await turns();
      yield "end";
    };
    return serve(
      build(options, {
        send: page(() => new Response("success", { headers: { ETag: "success" } })),
        json: page(() => Response.json({ success: true })),
        page: withPage(() => ({ success: true })),
        redirect: page(() => redirect("/send")),
        "throws-redirect": withPage(() => {
          throw redirect("/send");
        }),
        stream: page(() => new Response(ReadableStream.from(events()).pipeThrough(new TextEncoderStream()))),
        throws: withPage(() => {
          throw data("failed on purpose", { status: 418 });
        }),
        crashes: withPage(() => {
          throw new Error("failed on purpose");
        }),
      }),
    );
  },
  {
    "/send": { body: "success" },
    "/json": { body: '{"success":true}' },
    "/page": { body: '"success":true' },
    "/redirect": { status: 302 },
    "/throws-redirect": { status: 302 },
    "/stream": { body: "success;" },
    "/throws": { status: 418 },
    "/crashes": { status: 500 },
  },
  // What React Router shows in an error boundary has a status and no headers.
  false,
);

describe("hipflask/react-router", () => {
  const secretKey = "react-router";
  const cookieOf = (response: Response) => response.headers.getSetCookie()[0]!.split(";")[0]!;
  const ask = (fetch: Fetch, path: string, init?: RequestInit) =>
    fetch(new Request(`http://localhost${path}`, init));

  it("puts the session where React Router's people look for it", async () => {
    const fetch = build(
      { secretKey },
      {
        "": {
          loader: ({ context }) => {
            context.get(sessionContext).username = "ada";
            return Response.json([session.username, getSession(context).username]);
          },
        },
      },
    );
    const answer = await ask(fetch, "/");
    expect(await answer.json()).toEqual(["ada", "ada"]);
    expect(answer.headers.getSetCookie()).toHaveLength(1);
  });

  it("keeps what an action wrote before it redirected, also for a page that navigates by fetching data", async () => {
    const action: Module["action"] = async ({ request }) => {
      session.username = (await request.formData()).get("username");
      throw redirect("/");
    };
    const loader = () => ({ username: session.username });
    const fetch = build(
      { secretKey },
      { "": { loader, default: () => null }, login: { action, default: () => null } },
    );
    const form = { method: "POST", body: new URLSearchParams({ username: "ada" }) };
    for (const [path, status] of [
      ["/login", 302],
      ["/login.data", 202],
    ] as const) {
      const answer = await ask(fetch, path, form);
      expect(answer.status).toBe(status);
      const page = await ask(fetch, "/", { headers: { Cookie: cookieOf(answer) } });
      expect(await page.text()).toContain('"username":"ada"');
    }
  });

  it("works with a static handler, without a framework around it", async () => {
    const routes: RouteObject[] = [
      {
        path: "/",
        middleware: [sessions({ secretKey }) as never],
        loader: ({ context }: LoaderFunctionArgs) => {
          const visitor = context.get(sessionContext);
          visitor.visits = (visitor.visits ?? 0) + 1;
          return visitor.visits;
        },
      },
    ];
    const handler = createStaticHandler(routes);
    const visit = async (headers?: Record<string, string>): Promise<Response> =>
      handler.query(new Request("http://localhost/", headers && { headers }), {
        requestContext: new RouterContextProvider(),
        generateMiddlewareResponse: async (query) => {
          const result = await query(new Request("http://localhost/"));
          return result instanceof Response ? result : Response.json(result.loaderData);
        },
      }) as Promise<Response>;
    const first = await visit();
    expect(Object.values((await first.json()) as object)).toEqual([1]);
    const second = await visit({ Cookie: cookieOf(first) });
    expect(Object.values((await second.json()) as object)).toEqual([2]);
  });

  it("gives a failed save to handleError and to the boundary, with the status it asks for", async () => {
    const saveSession = async () => {
      await turns(5);
      throw new StoreError("unavailable", "The store is down, says a secret.");
    };
    const errors: unknown[] = [];
    const sessionInterface = { openSession: () => createSession(), saveSession };
    const fetch = build(
      { sessionInterface },
      { page: { loader: () => "success", default: () => null } },
      errors,
    );
    const answer = await ask(fetch, "/page");
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe("boundary: 503 Service Unavailable\n");
    expect(errors).toEqual([expect.objectContaining({ status: 503 })]);
    expect((errors[0] as { error: unknown }).error).toBeInstanceOf(StoreError);
  });

  it("refuses what a stream writes", async () => {
    const fetch = build(
      { secretKey },
      {
        "": {
          loader: () => {
            const body = new TransformStream<Uint8Array, Uint8Array>();
            void turns(5).then(async () => {
              const writer = body.writable.getWriter();
              await writer.write(Buffer.from(writeLate()));
              await writer.close();
            });
            return new Response(body.readable);
          },
        },
      },
    );
    expect(await (await ask(fetch, "/")).text()).toBe("SessionClosedError");
  });
});
