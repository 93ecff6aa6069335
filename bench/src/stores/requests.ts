import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import expressSession, { type Store as ExpressStore } from "express-session";
import fastify from "fastify";
import { sessions } from "../../../dist/adapters/node.js";
import { session } from "../../../dist/index.js";
import type { Store } from "../../../dist/stores/contract.js";
import { answer, cookieFrom, dispatch, type Handler } from "../dispatch.ts";
import { counter } from "../workloads.ts";
import { dataOf, IDLE, type StoredSize } from "./data.ts";
import type { Engine, Space } from "./engines.ts";
import { IN_FLIGHT, inTurn } from "./in-flight.ts";
import { openStore } from "./open-store.ts";
import { US } from "./subjects.ts";
import { openPeer } from "./verbs.ts";

/** What a request does: nothing, with no sessions at all; read one key; or read one and write one. */
export const REQUEST_KINDS = ["bare", "read", "count"] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** A server with sessions in a store. */
export interface Server {
  /** The same server without sessions. */
  readonly bare: Handler;
  readonly login: (data: Data) => Handler;
  readonly read: Handler;
  readonly count: Handler;
}

type Data = Record<string, unknown>;

/** Opens a server; called for what a request does and a session of some size, it gives one such request. */
export async function openRequests(engine: Engine, name: string, space: Space) {
  const server = await openServer(engine, name, space);
  return (kind: RequestKind, size: StoredSize) => requestsTo(server, kind, size);
}

/** Requests of as many visitors as there are in flight. */
export async function requestsTo(server: Server, kind: RequestKind, size: StoredSize) {
  const data = dataOf(size);
  const cookies: string[] = [];
  for (let visitor = 0; visitor < IN_FLIGHT; visitor++) {
    cookies.push(cookieFrom(await dispatch(server.login(data), "")));
  }
  const handler = server[kind];
  const { body } = await dispatch(handler, cookies[0]!);
  if (body !== (kind === "bare" ? "ok" : data.username)) throw new Error(`The session was not read: ${body}`);
  return inTurn(cookies, async (cookie) => dispatch(handler, cookie));
}

async function openServer(engine: Engine, name: string, space: Space): Promise<Server> {
  if (name === US) return ours(await openStore(engine, space));
  if (name === "@fastify/session")
    return onFastify(new fastifySession.MemoryStore() as unknown as ExpressStore);
  const [framework, store = ""] = name.split(" + ");
  const peer = await openPeer(store, space);
  return framework === "express-session" ? express(peer) : onFastify(peer);
}

export function ours(store: Store): Server {
  const withSession = sessions({
    secretKey: "a secret of the benchmark",
    store,
    storeOptions: { sweepEvery: 0 },
  });
  const next = counter();
  return {
    bare: (_, res) => answer(res, "ok"),
    login: (data) =>
      withSession((_, res) => {
        session.update({ ...data });
        answer(res, "ok");
      }),
    read: withSession((_, res) => answer(res, session.username as string)),
    count: withSession((_, res) => {
      session.visits = next();
      answer(res, session.username as string);
    }),
  };
}

function express(store: ExpressStore): Server {
  const middleware = expressSession({
    secret: "a secret of the benchmark",
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: IDLE * 1000 },
    store,
  }) as unknown as (request: unknown, response: unknown, next: () => void) => void;
  const next = counter();
  const withSession =
    (handle: (data: Data) => string): Handler =>
    (req, res) => {
      // It reads what Express has put on the request.
      Object.assign(req, { originalUrl: req.url });
      middleware(req, res, () => answer(res, handle((req as unknown as { session: Data }).session)));
    };
  return {
    bare: (_, res) => answer(res, "ok"),
    login: (data) =>
      withSession((stored) => {
        Object.assign(stored, data);
        return "ok";
      }),
    read: withSession((stored) => stored.username as string),
    count: withSession((stored) => {
      stored.visits = next();
      return stored.username as string;
    }),
  };
}

async function onFastify(store: ExpressStore): Promise<Server> {
  const next = counter();
  const app = async (handle: (data: Data) => string, withPlugin = true): Promise<Handler> => {
    const instance = fastify();
    if (withPlugin) {
      await instance.register(fastifyCookie);
      await instance.register(fastifySession, {
        secret: "a secret of the benchmark, 32 bytes or more",
        cookie: { maxAge: IDLE * 1000, secure: false },
        saveUninitialized: false,
        store: store as never,
      });
    }
    instance.get("/", (request, reply) => reply.send(handle(request.session as unknown as Data)));
    await instance.ready();
    return (req, res) => instance.routing(req, res);
  };
  let filling: Data = {};
  const login = await app((stored) => {
    Object.assign(stored, filling);
    return "ok";
  });
  return {
    bare: await app(() => "ok", false),
    login: (data) => (req, res) => {
      filling = data;
      return login(req, res);
    },
    read: await app((stored) => stored.username as string),
    count: await app((stored) => {
      stored.visits = next();
      return stored.username as string;
    }),
  };
}
