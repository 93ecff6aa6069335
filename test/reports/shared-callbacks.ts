import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Pool } from "pg";
import { ecosystem } from "../support/ecosystem.ts";
import { afterTurns, turns } from "../support/turns.ts";
import { reachable } from "../services/service.ts";

const { skip, note, require: packageOf } = ecosystem();
const postgresUrl = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/test";
const postgres = await reachable("PostgreSQL", "POSTGRES_URL", postgresUrl);
const mysqlUrl = process.env.MYSQL_URL ?? "mysql://root@127.0.0.1:3306/test";
const mysql = await reachable("MariaDB or MySQL", "MYSQL_URL", mysqlUrl);

/** Calls back later, by way of something that all requests share. */
export type Later = (callback: () => void) => void;

/** What many apps call back through, and none of it tells whose request a callback belongs to. */
export interface Way {
  readonly name: string;
  /** Why it is skipped. */
  readonly note: string;
  readonly skip: boolean;
  /** @param most how many work at the same time */
  readonly start: (most: number) => Promise<Later> | Later;
  readonly end?: () => Promise<void> | void;
}

interface MysqlPool {
  query(statement: string, callback: () => void): unknown;
  end(callback: () => void): void;
}
interface Mysql {
  createPool(options: { uri?: string; connectionLimit: number } & Record<string, unknown>): MysqlPool;
}

function mysqlWay(name: string, load: () => Mysql): Way {
  let pool: MysqlPool | undefined;
  const { hostname: host, port, username: user, password } = new URL(mysqlUrl);
  return {
    name,
    note: mysql.note || note,
    skip: mysql.skip || skip,
    start(most) {
      pool = load().createPool({ host, port: Number(port), user, password, connectionLimit: most });
      return (callback) => void pool!.query("select 1", () => callback());
    },
    end: () => new Promise((resolve) => (pool === undefined ? resolve() : pool.end(resolve))),
  };
}

function postgresWay(): Way {
  let pool: Pool | undefined;
  return {
    name: "a pool of pg",
    note: postgres.note,
    skip: postgres.skip,
    start(most) {
      pool = new Pool({ connectionString: postgresUrl, max: most });
      return (callback) => pool!.query("select pg_sleep(0.002)", () => callback());
    },
    end: () => pool?.end(),
  };
}

const inProcess = (name: string, start: Way["start"]): Way => ({ name, note, skip, start });

/** Ready for `describe.each`. */
export const ways: readonly Way[] = [
  postgresWay(),
  mysqlWay("a pool of mysql", () => packageOf("mysql") as Mysql),
  mysqlWay("a pool of mysql2", () => createRequire(import.meta.url)("mysql2") as Mysql),
  inProcess("async.queue", (most) => {
    interface Queue {
      push(task: object, done: () => void): void;
    }
    type Worker = (task: object, done: () => void) => void;
    const { queue } = packageOf("async") as { queue(worker: Worker, most: number): Queue };
    const tasks = queue((_, done) => void afterTurns(done), most);
    return (callback) => tasks.push({}, () => callback());
  }),
  inProcess("fastq", (most) => {
    interface Queue {
      push(task: object, done: () => void): void;
    }
    type Worker = (task: object, done: (error: null) => void) => void;
    const fastq = packageOf("fastq") as (worker: Worker, most: number) => Queue;
    const tasks = fastq((_, done) => void afterTurns(() => done(null)), most);
    return (callback) => tasks.push({}, () => callback());
  }),
  inProcess("lru-memoizer", () => {
    type Load = (key: string, done: (error: null, value: string) => void) => void;
    const memoize = packageOf("lru-memoizer") as (options: object) => Load;
    const load: Load = (key, done) => void afterTurns(() => done(null, key));
    const read = memoize({ load, hash: (key: string) => key, max: 10, maxAge: 1 });
    return (callback) => read("key", () => callback());
  }),
  inProcess("tasks of p-queue", async (most) => {
    const tasks = await promiseQueue(most);
    return (callback) =>
      void tasks.add(async () => {
        await turns();
        callback();
      });
  }),
  inProcess("the beginning of tasks of p-queue", async (most) => {
    const tasks = await promiseQueue(most);
    return (callback) =>
      void tasks.add(async () => {
        callback();
        await turns();
      });
  }),
  inProcess("tasks of bottleneck", (most) => {
    interface Limiter {
      schedule(task: () => Promise<void>): Promise<void>;
    }
    const Bottleneck = packageOf("bottleneck") as new (options: object) => Limiter;
    const tasks = new Bottleneck({ maxConcurrent: most });
    return (callback) =>
      void tasks.schedule(async () => {
        callback();
        await turns();
      });
  }),
  {
    name: "an emitter that tells all who wait for the same",
    note: "",
    skip: false,
    start() {
      const bus = new EventEmitter().setMaxListeners(0);
      let isLoading = false;
      return (callback) => {
        bus.once("loaded", () => callback());
        if (isLoading) return;
        isLoading = true;
        void afterTurns(() => {
          isLoading = false;
          bus.emit("loaded");
        });
      };
    },
  },
];

interface PromiseQueue {
  add(task: () => Promise<void>): Promise<void>;
}

async function promiseQueue(concurrency: number): Promise<PromiseQueue> {
  const path = pathToFileURL(packageOf.resolve("p-queue")).href;
  const { default: PQueue } = (await import(path)) as { default: new (options: object) => PromiseQueue };
  return new PQueue({ concurrency });
}
