import { ConfigError } from "../errors.ts";
import type { NodeRedisClient } from "./redis.ts";
import type { SqlStore } from "./sql.ts";
import type { Store } from "./store.ts";
import { storeError } from "./store-error.ts";

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
 * @throws ConfigError for a scheme that is not in the table, a URL that cannot be read, or a package that is not installed. Its
 *   message never holds the URL, since that may hold a password.
 * @example
 * ```ts
 * import { storeFromUrl } from "hipflask/stores/from-url";
 * const store = await storeFromUrl("sqlite:sessions.db");
 * ```
 */
export async function storeFromUrl(url: string): Promise<Store> {
  const scheme = /^([a-z+]+):/.exec(url)?.[1] ?? "";
  if (!Object.hasOwn(OPEN, scheme)) {
    const known = Object.keys(OPEN).map((name) => `${name}:`);
    throw new ConfigError(`"${scheme}:" is no session store; a store URL begins with ${known.join(", ")}.`);
  }
  return OPEN[scheme]!(url);
}

const OPEN: Readonly<Record<string, (url: string) => Promise<Store>>> = {
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

async function sqlite(url: string): Promise<Store> {
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/|[^/])/, "");
  if (path === "")
    throw new ConfigError(`"${url}" names no file; write sqlite:sessions.db or sqlite::memory:.`);
  return (await import("./sqlite.ts")).sqliteStore(path);
}

/** Times that a server of Redis is asked when the application starts. */
const FIRST_ATTEMPTS = 5;

/**
 * Refuses a URL whose password has characters that end a host name: it is not certain then where the password ends, and clients
 * quote what they cannot read.
 *
 * @throws ConfigError
 */
function checkUrl(url: string, example = url): void {
  const [, credentials = "", rest = ""] = /^[^:]+:\/\/(?:([^/?#]*)@)?(.*)$/s.exec(url) ?? [];
  if (rest.includes("@") || !isPercentEncoded(credentials) || !URL.canParse(example)) throw unreadable(url);
}

function unreadable(url: string): ConfigError {
  const scheme = url.slice(0, url.indexOf(":"));
  return new ConfigError(
    `The "${scheme}:" URL cannot be read. Write ${scheme}://user:password@host:port/…, with special characters in user and password percent-encoded: "/" as %2F, "#" as %23, "?" as %3F, "@" as %40, "%" as %25.`,
  );
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

async function redis(url: string): Promise<Store> {
  checkUrl(url);
  if (!/^[^:]+:\/\/[^/?#]+(?:\/\d*)?(?:\?.*)?$/.test(url)) throw unreadable(url);
  const { createClient } = await client("@redis/client", () => import("@redis/client"));
  let isStarting = true;
  // By itself the client would try for ever, and the start of the application hang, where no server answers.
  const reconnectStrategy = (tried: number, cause: Error) =>
    isStarting && tried >= FIRST_ATTEMPTS ? cause : Math.min(2000, 50 * 2 ** tried);
  const store = await connected(createClient({ url, socket: { reconnectStrategy } }));
  isStarting = false;
  return store;
}

async function redisCluster(url: string): Promise<Store> {
  const [, scheme, credentials = "", hosts = ""] =
    /^(rediss?)\+cluster:\/\/(?:(.*)@)?([^/?]+)/.exec(url) ?? [];
  const urls = hosts.split(",").map((host) => `${scheme}://${host}`);
  for (const each of urls) checkUrl(url, each);
  const { createCluster } = await client("@redis/client", () => import("@redis/client"));
  const [username, password] = credentials.split(":", 2).map(decodeURIComponent);
  return connected(
    createCluster({
      rootNodes: urls.map((each) => ({ url: each })),
      defaults: {
        ...(username && { username }),
        ...(password && { password }),
        ...(scheme === "rediss" && { socket: { tls: true } }),
      },
    }),
  );
}

async function connected(
  connection: NodeRedisClient & {
    on(event: "error", listener: () => void): unknown;
    connect(): Promise<unknown>;
    destroy(): void;
    close(): unknown;
  },
): Promise<Store> {
  // Without a listener a lost connection would end the process; meanwhile every step rejects, which tells the application.
  connection.on("error", ignore);
  const store = (await import("./redis.ts")).redisStore(connection);
  try {
    await connection.connect();
  } catch (error) {
    connection.destroy();
    throw storeError(store.name, "connect", error);
  }
  return closing(store, () => connection.close());
}

async function postgres(url: string): Promise<Store> {
  checkUrl(url);
  const { default: pg } = await client("pg", () => import("pg"));
  const { postgresStore } = await import("./postgres.ts");
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", ignore);
  return migrated(postgresStore(pool), () => pool.end());
}

async function mysql(url: string): Promise<Store> {
  checkUrl(url);
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

async function migrated(store: SqlStore, close: () => Promise<unknown>): Promise<Store> {
  try {
    await store.migrate();
  } catch (error) {
    await close();
    throw error;
  }
  return closing(store, close);
}

function closing(store: Store, close: () => Promise<unknown> | unknown): Store {
  return Object.assign(store, {
    async close() {
      await close();
    },
  });
}

function ignore(): void {}
