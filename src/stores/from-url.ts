import { ConfigError } from "../errors.ts";
import type { SessionStore } from "./verbs.ts";

/**
 * The store a URL names, connected and ready. The client of an engine is imported only when its URL is given, so only
 * that one has to be installed; tables are created if they are missing. `close()` closes the connections.
 *
 * | URL | store | package |
 * |---|---|---|
 * | `memory:` | in this process | none |
 * | `sqlite:sessions.db` | a file | none on Node ≥ 22.5, Bun and Deno, else `libsql` |
 * | `redis://…`, `rediss://…` | Redis or Valkey | `@redis/client` |
 * | `redis+cluster://a:6379,b:6379`, `rediss+cluster://…` | a cluster, by some of its nodes | `@redis/client` |
 * | `postgres://…` | PostgreSQL | `pg` |
 * | `mysql://…`, `mariadb://…` | MariaDB or MySQL | `mysql2` |
 *
 * @throws ConfigError for a scheme that is not in the table, or a package that is not installed.
 * @example
 * ```ts
 * import { storeFromUrl } from "hipflask/stores/from-url";
 * const store = await storeFromUrl("sqlite:sessions.db");
 * ```
 */
export async function storeFromUrl(url: string): Promise<SessionStore> {
  const scheme = /^([a-z+]+):/.exec(url)?.[1] ?? "";
  if (!Object.hasOwn(OPEN, scheme)) {
    const known = Object.keys(OPEN).map((name) => `${name}:`);
    throw new ConfigError(`"${scheme}:" is no session store; a store URL begins with ${known.join(", ")}.`);
  }
  return OPEN[scheme]!(url);
}

const OPEN: Readonly<Record<string, (url: string) => Promise<SessionStore>>> = {
  memory: async () => (await import("./memory.ts")).memoryStore(),
  sqlite,
  redis,
  rediss: redis,
  "redis+cluster": redisCluster,
  "rediss+cluster": redisCluster,
  postgres,
  postgresql: postgres,
  mysql,
  mariadb: mysql,
};

async function sqlite(url: string): Promise<SessionStore> {
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/|[^/])/, "");
  if (path === "")
    throw new ConfigError(`"${url}" names no file; write sqlite:sessions.db or sqlite::memory:.`);
  return (await import("./sqlite.ts")).sqliteStore(path);
}

async function redis(url: string): Promise<SessionStore> {
  const { createClient } = await client("@redis/client", () => import("@redis/client"));
  const { redisStore } = await import("./redis.ts");
  const connection = createClient({ url });
  // Without a listener a lost connection would end the process; every verb rejects meanwhile, which is how it is told.
  connection.on("error", ignore);
  await connection.connect();
  return closing(redisStore(connection), () => connection.close());
}

async function redisCluster(url: string): Promise<SessionStore> {
  const { createCluster } = await client("@redis/client", () => import("@redis/client"));
  const { redisStore } = await import("./redis.ts");
  const [, scheme, credentials = "", hosts = ""] =
    /^(rediss?)\+cluster:\/\/(?:(.*)@)?([^/?]+)/.exec(url) ?? [];
  const [username, password] = credentials.split(":", 2).map(decodeURIComponent);
  const cluster = createCluster({
    rootNodes: hosts.split(",").map((host) => ({ url: `${scheme}://${host}` })),
    defaults: {
      ...(username && { username }),
      ...(password && { password }),
      ...(scheme === "rediss" && { socket: { tls: true } }),
    },
  });
  cluster.on("error", ignore);
  await cluster.connect();
  return closing(redisStore(cluster), () => cluster.close());
}

async function postgres(url: string): Promise<SessionStore> {
  const { default: pg } = await client("pg", () => import("pg"));
  const { postgresStore } = await import("./postgres.ts");
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", ignore);
  return migrated(postgresStore(pool), () => pool.end());
}

async function mysql(url: string): Promise<SessionStore> {
  const { createPool } = await client("mysql2", () => import("mysql2/promise"));
  const { mysqlStore } = await import("./mysql.ts");
  const pool = createPool(url.replace(/^mariadb:/, "mysql:"));
  return migrated(mysqlStore(pool), () => pool.end());
}

async function client<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new ConfigError(
      `This store needs the package "${name}", which is not installed: npm install ${name}`,
      { cause },
    );
  }
}

async function migrated(
  store: SessionStore & { migrate(): Promise<void> },
  close: () => Promise<unknown>,
): Promise<SessionStore> {
  try {
    await store.migrate();
  } catch (error) {
    await close();
    throw error;
  }
  return closing(store, close);
}

function closing(store: SessionStore, close: () => Promise<unknown> | unknown): SessionStore {
  return Object.assign(store, {
    async close() {
      await close();
    },
  });
}

function ignore(): void {}
