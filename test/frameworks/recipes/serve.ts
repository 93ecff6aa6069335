// Serves the app of one recipe, and prints its port: `node serve.js RECIPE cookie|slow`.
import { createAdaptorServer } from "@hono/node-server";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createSession, type SessionInterface, type SessionOptions } from "hipflask";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Its cookie tells that the save of 300 ms was over before the head was written. */
const slow: SessionInterface = {
  openSession: () => createSession({ username: "slow" }),
  async saveSession(_session, _request, { headers }) {
    await pause(300);
    headers.append("Set-Cookie", "session=saved");
  },
};

const [name = "", mode] = process.argv.slice(2);
const options: SessionOptions = mode === "slow" ? { sessionInterface: slow } : { secretKey: "recipes" };

const hostname = "127.0.0.1";
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
const listen = (server: Pick<Server, "listen" | "address">) =>
  new Promise<number>((resolve) => server.listen(0, hostname, () => resolve(portOf(server))));

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
