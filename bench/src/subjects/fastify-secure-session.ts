import secureSession from "@fastify/secure-session";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import type { Handler } from "../dispatch.ts";
import { peerCells } from "../peer.ts";
import { counter } from "../workloads.ts";

type Data = Record<string, unknown>;
type Handle = (session: { get(key: string): unknown; set(key: string, value: unknown): void }) => string;

/** An app with one route, and with the plugin only if its session is wanted. */
async function app(answer: (request: FastifyRequest) => string, withPlugin: boolean): Promise<Handler> {
  const instance: FastifyInstance = fastify();
  if (withPlugin) await instance.register(secureSession, { key: Buffer.alloc(32, 7), cookie: { path: "/" } });
  instance.get("/", (request, reply) => reply.send(answer(request)));
  await instance.ready();
  return (req, res) => instance.routing(req, res);
}

const withSession = (handle: Handle) => app((request) => handle(request.session as never), true);

const next = counter();
let data: Data = {};
const login = await withSession((session) => {
  for (const [key, value] of Object.entries(data)) session.set(key, value);
  return "ok";
});

/** @fastify/secure-session on Fastify; the bare server is Fastify as well. */
export const cells = peerCells({
  bare: await app(() => "ok", false),
  login: (filling) => (req, res) => {
    data = { ...filling };
    return login(req, res);
  },
  open: await app(() => "ok", true),
  read: await withSession((session) => session.get("username") as string),
  save: await withSession((session) => {
    session.set("visits", next());
    return session.get("username") as string;
  }),
});
