import type { Import } from "./frameworks.ts";

/** A store that `init` supports. */
export interface StoreChoice {
  /** For the question. */
  readonly title: string;
  /** Packages to install. */
  readonly packages: readonly string[];
  /** For SESSION_STORE in `.env`, where the code and `hipflask sessions` find it. */
  readonly url?: string;
  /** Further imports of the code. */
  readonly imports: readonly Import[];
  /** Lines before the options. @param url the expression that reads SESSION_STORE */
  readonly setUp?: (url: string) => readonly string[];
  /** The value of the option `store`. */
  readonly value?: (url: string) => string;
  /** The command that creates its tables. */
  readonly tables?: string;
  /** Files for .gitignore. */
  readonly ignored?: string;
}

export const STORES: Readonly<Record<string, StoreChoice>> = {
  cookie: { title: "in the cookie, signed: the server keeps nothing", packages: [], imports: [] },
  sqlite: {
    title: "in a file, with SQLite",
    packages: [],
    url: "sqlite:sessions.db",
    imports: [["sqliteStore", "hipflask/stores/sqlite"]],
    value: () => 'sqliteStore("sessions.db")',
    ignored: "sessions.db*",
  },
  redis: {
    title: "in Redis or Valkey",
    packages: ["ioredis"],
    url: "redis://localhost:6379",
    imports: [
      ["redisStore", "hipflask/stores/redis"],
      ["Redis", "ioredis"],
    ],
    setUp: (url) => [
      `const redis = new Redis(${url} ?? "", { lazyConnect: true });`,
      'redis.on("error", console.error);',
    ],
    value: () => "redisStore(redis)",
  },
  postgres: {
    title: "in PostgreSQL",
    packages: ["pg"],
    url: "postgres://localhost:5432/app",
    imports: [
      ["postgresStore", "hipflask/stores/postgres"],
      ["Pool", "pg"],
    ],
    setUp: (url) => [
      `const pool = new Pool({ connectionString: ${url} });`,
      'pool.on("error", console.error);',
    ],
    value: () => "postgresStore(pool)",
    tables: "npx hipflask schema postgres | psql postgres://localhost:5432/app",
  },
  mysql: {
    title: "in MariaDB or MySQL",
    packages: ["mysql2"],
    url: "mysql://root@localhost:3306/app",
    imports: [
      ["mysqlStore", "hipflask/stores/mysql"],
      ["createPool", "mysql2/promise"],
    ],
    setUp: (url) => [`const pool = createPool(${url} ?? "");`],
    value: () => "mysqlStore(pool)",
    tables: "npx hipflask schema mysql | mysql app",
  },
};
