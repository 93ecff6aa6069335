import { sessions } from "../../../dist/adapters/node.js";
import { session } from "../../../dist/index.js";
import { mysqlStore } from "../../../dist/stores/mysql.js";
import { postgresStore } from "../../../dist/stores/postgres.js";
import { redisStore } from "../../../dist/stores/redis.js";
import type { Store } from "../../../dist/stores/contract.js";
import { answer, cookieFrom, dispatch, type Handler } from "../dispatch.ts";
import { counter } from "../workloads.ts";
import { dataOf } from "./data.ts";
import {
  keyPrefix,
  openIoRedis,
  openMysql,
  openPostgres,
  openRedis,
  type Engine,
  type Space,
} from "./engines.ts";

/** Commands or statements that requests send to an engine, each of which is waited for. */
export interface RoundTrips {
  readonly engine: Engine;
  /** To open the session; nothing else happens, as the touch interval is not over. */
  readonly open: number;
  /** More than that to read a key. */
  readonly read: number;
  /** More than that to write a key. */
  readonly commit: number;
  /** More than that to note activity when it is due. */
  readonly touch: number;
  /** More than that for `session.owner = …`. */
  readonly login: number;
}

/** Counts at the client: every call that makes it send something. */
export async function countRoundTrips(engine: Engine, space: Space): Promise<RoundTrips> {
  let sent = 0;
  const next = counter();
  const { store, close } = await counted(engine, space, () => sent++);
  const options = { secretKey: "a secret of the benchmark", store, storeOptions: { sweepEvery: 0 } };
  const [usual, eager] = [
    sessions(options),
    sessions({ ...options, storeOptions: { sweepEvery: 0, touchEvery: 0 } }),
  ];
  const login = usual((_, res) => {
    session.update(dataOf(300));
    answer(res, "ok");
  });
  const cookie = cookieFrom(await dispatch(login, ""));
  const ask = async (handler: Handler) => {
    await dispatch(handler, cookie); // what a client sends once per connection and statement is behind it then
    sent = 0;
    await dispatch(handler, cookie);
    return sent;
  };
  const untouched = (with_: typeof usual) => with_((_, res) => answer(res, "ok"));
  const open = await ask(untouched(usual));
  const read = (await ask(usual((_, res) => answer(res, session.username as string)))) - open;
  const touch = (await ask(untouched(eager))) - open;
  const count = usual((_, res) => {
    session.visits = next();
    answer(res, "ok");
  });
  const commit = (await ask(count)) - open;
  const own = usual((_, res) => {
    session.owner = "ada";
    answer(res, "ok");
  });
  sent = 0;
  await dispatch(own, cookie);
  const answers = { engine, open, read, commit, touch, login: sent - open };
  await close();
  return answers;
}

type Count = () => void;

async function counted(
  engine: Engine,
  space: Space,
  count: Count,
): Promise<{ store: Store; close(): unknown }> {
  switch (engine) {
    case "redis": {
      const client = await openRedis();
      const store = redisStore(
        counting(client, ["get", "set", "del", "getRange", "evalSha", "eval"], count),
        { prefix: keyPrefix(space) },
      );
      return { store, close: () => client.destroy() };
    }
    case "ioredis": {
      const client = await openIoRedis();
      const store = redisStore(
        counting(client, ["get", "set", "del", "getrange", "evalsha", "eval"], count),
        { prefix: keyPrefix(space) },
      );
      return { store, close: () => client.disconnect() };
    }
    case "postgres": {
      const pool = openPostgres(space);
      const store = postgresStore(counting(pool, ["query"], count));
      await store.migrate();
      return { store, close: () => pool.end() };
    }
    default: {
      const pool = openMysql(space);
      const store = mysqlStore(counting(pool, ["execute"], count));
      await store.migrate();
      return { store, close: () => pool.end() };
    }
  }
}

/** The same client, which counts calls of these methods. */
function counting<Client extends object>(client: Client, methods: readonly string[], count: Count): Client {
  return new Proxy(client, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (!methods.includes(String(name))) return method;
      return (...args: unknown[]) => {
        count();
        return method(...args);
      };
    },
  });
}
