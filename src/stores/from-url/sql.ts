import { ConfigError } from "../../errors.ts";
import { sqlStore, type SqlStore } from "../sql.ts";
import type { Store } from "../parts/store.ts";
import { libsqlClient, mysqlPool, pgPool, type LibsqlClient } from "./clients.ts";
import { ignore, opened } from "./opened.ts";
import { fileOf } from "../parts/address.ts";
import type { StoreUrl } from "./url.ts";

export async function sqlite(url: string): Promise<Store> {
  const path = fileOf(url);
  return (await import("../sqlite.ts")).sqliteStore(path);
}

export async function postgres({ href: connectionString }: StoreUrl): Promise<Store> {
  const Pool = await pgPool();
  const { postgresStore } = await import("../postgres.ts");
  const pool = new Pool({ connectionString });
  pool.on("error", ignore);
  return migrated(postgresStore(pool), () => pool.end());
}

export async function mysql({ href }: StoreUrl): Promise<Store> {
  const createPool = await mysqlPool();
  const { mysqlStore } = await import("../mysql.ts");
  const pool = createPool(href.replace(/^mariadb:/, "mysql:"));
  return migrated(mysqlStore(pool), () => pool.end());
}

/** Turso, and other libSQL servers. */
export async function libsql({ hosts, path, password, query, unreadable }: StoreUrl): Promise<Store> {
  if (hosts[0] === "" || password !== undefined) {
    throw new ConfigError(
      'A "libsql:" URL has a host, and its token in the query: libsql://NAME.turso.io?authToken=TOKEN. A file is opened by sqlite:PATH.',
    );
  }
  const { createClient } = await libsqlClient();
  // Passed separately from the URL, which the client quotes in its errors.
  const authToken = query.get("authToken") ?? undefined;
  query.delete("authToken");
  const url = `libsql://${hosts[0]}/${path}${query.size > 0 ? `?${query}` : ""}`;
  let db: LibsqlClient;
  try {
    db = createClient({ url, authToken });
  } catch {
    throw unreadable();
  }
  return migrated(sqlStore(db), () => db.close());
}

function migrated(store: SqlStore, close: () => Promise<unknown> | unknown): Promise<Store> {
  return opened(store, () => store.migrate(), close);
}
