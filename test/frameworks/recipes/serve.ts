// Serves the app of one recipe, and prints its port: `node serve.js RECIPE cookie|store|slow`.
import { createAdaptorServer } from "@hono/node-server";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { createSession, getSession, session, type SessionInterface, type SessionOptions } from "hipflask";
import { memoryStore } from "hipflask/stores/memory";

/** Its cookie shows that the save, of fifty turns of the event loop, was over before the head was written. */
const slow: SessionInterface = {
  openSession: () => createSession({ username: "slow" }),
  async saveSession(_session, _request, { headers }) {
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    headers.append("Set-Cookie", "session=saved");
  },
};

const [name = "", mode] = process.argv.slice(2);
const modes: Record<string, () => SessionOptions> = {
  cookie: () => ({ secretKey: "recipes" }),
  store: () => ({ secretKey: "recipes", store: memoryStore() }),
  slow: () => ({ sessionInterface: slow }),
};
const options = modes[mode!]!();

/** What the pages do not show: a handler that throws, behind a cookie of the app's own and a write. */
function crash(): never {
  session.attempts = (session.attempts ?? 0) + 1;
  throw new Error(`attempt ${session.attempts}`);
}

const hostname = "127.0.0.1";
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
const listen = (server: Pick<Server, "listen" | "address">) =>
  new Promise<number>((resolve) => server.listen(0, hostname, () => resolve(portOf(server))));

/** The event that AWS makes of a request to a function's URL. */
async function functionUrlEvent(req: IncomingMessage): Promise<APIGatewayProxyEventV2> {
  const { pathname, search } = new URL(req.url!, "http://localhost");
  const { cookie, ...headers } = req.headers as Record<string, string>;
  const body = await buffer(req);
  const http = { method: req.method!, path: pathname };
  return {
    version: "2.0",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers,
    ...(cookie !== undefined && { cookies: cookie.split("; ") }),
    ...(body.length > 0 && { body: body.toString("base64") }),
    isBase64Encoded: body.length > 0,
    requestContext: { http, domainName: "localhost" },
  } as unknown as APIGatewayProxyEventV2;
}

type OnNode = { req: IncomingMessage; res: ServerResponse };

/** What the page says of Yoga beside its example: `getSession(context.req)`. */
async function yogaByRequest() {
  const { createSchema, createYoga } = await import("graphql-yoga");
  const typeDefs = `
    type Query { names: [String]! }
    type Mutation { login(username: String!): Boolean! }
  `;
  const schema = createSchema<OnNode>({
    typeDefs,
    resolvers: {
      Query: { names: (_parent, _args, { req }) => [session.username, getSession(req).username] },
      Mutation: {
        login(_parent, { username }: { username: string }, { req }) {
          getSession(req).username = username;
          return true;
        },
      },
    },
  });
  return createYoga<OnNode>({ schema });
}

const recipes: Record<string, () => Promise<number>> = {
  async nestjs() {
    const { createApp } = await import("./nestjs.js");
    const app = await createApp(options);
    return portOf((await app.listen(0, hostname)) as Server);
  },
  async elysia() {
    const [{ createApp }, { node }] = await Promise.all([import("./elysia.js"), import("@elysiajs/node")]);
    const app = createApp(options, { adapter: node() });
    return new Promise((resolve) => {
      app.listen({ port: 0, hostname }, async (server) => {
        const { raw } = server as unknown as { raw: { ready(): Promise<unknown>; node: { server: Server } } };
        await raw.ready();
        resolve(portOf(raw.node.server));
      });
    });
  },
  async "trpc-node"() {
    const { createHandler } = await import("./trpc.js");
    return listen(createServer(createHandler(options)));
  },
  async "trpc-fetch"() {
    const { createFetch } = await import("./trpc.js");
    return listen(createAdaptorServer({ fetch: createFetch(options) }) as Server);
  },
  async hapi() {
    const { createApp } = await import("./hapi.js");
    const app = createApp(options, { port: 0, host: hostname, debug: false });
    app.route({ method: "GET", path: "/crash", handler: crash });
    app.route({
      method: "GET",
      path: "/attempts",
      handler: (_request, h) => h.response(String(session.attempts)).state("other", "1"),
    });
    await app.start();
    return Number(app.info.port);
  },
  async polka() {
    const { createApp } = await import("./polka.js");
    const app = createApp(options).get("/crash", (_req, _res, next) => {
      try {
        crash();
      } catch (error) {
        next(error as Error);
      }
    });
    app.get("/attempts", (_req, res) => {
      res.setHeader("Set-Cookie", "other=1");
      res.end(String(session.attempts));
    });
    return new Promise((resolve) => {
      app.listen(0, hostname, () => resolve(portOf(app.server!)));
    });
  },
  async yoga() {
    const { createApp } = await import("./yoga.js");
    return listen(createApp(options));
  },
  async "yoga-req"() {
    const { sessions } = await import("hipflask/node");
    return listen(createServer(sessions(options)(await yogaByRequest())));
  },
  async "yoga-express"() {
    const [{ default: express }, { sessions }] = await Promise.all([
      import("express"),
      import("hipflask/express"),
    ]);
    const yoga = await yogaByRequest();
    const app = express().use(sessions(options));
    app.use("/graphql", (req, res) => void yoga(req, res));
    return listen(createServer(app));
  },
  async lambda() {
    const { createHandler } = await import("./lambda.js");
    const handle = createHandler(options);
    const server = createServer(async (req, res) => {
      const result = await handle(await functionUrlEvent(req));
      // As a function URL does.
      res.setHeaders(new Headers(result.headers as Record<string, string>));
      res.setHeader("Set-Cookie", result.cookies!).writeHead(result.statusCode!);
      res.end(Buffer.from(result.body!, "base64"));
    });
    return listen(server);
  },
  async adonis() {
    Object.assign(process.env, { HOST: hostname, PORT: "0" });
    const { IgnitorFactory } = await import("@adonisjs/core/factories");
    const { start } = await import("./adonis/bin/server.js");
    let port = 0;
    const kernel = async () => {
      const { default: server } = await import("@adonisjs/core/services/server");
      server.use([() => import("@adonisjs/core/bodyparser_middleware")]);
      const { default: emitter } = await import("@adonisjs/core/services/emitter");
      emitter.on("http:server_ready", () => (port = portOf(server.getNodeServer()!)));
    };
    const session = () => import("./adonis/start/session.js");
    const routes = () => import("./adonis/start/routes.js");
    const ignitor = new IgnitorFactory()
      .withCoreProviders()
      .withCoreConfig()
      .merge({ rcFileContents: { preloads: [kernel, session, routes] } })
      .create(new URL("./adonis/", import.meta.url), { importer: (path) => import(path) });
    await start(ignitor, options);
    return port;
  },
};

console.log(await recipes[name]!());
