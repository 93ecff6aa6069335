import { hash } from "node:crypto";
import { ConfigError } from "../../errors.ts";
import { addressOf } from "../parts/address.ts";
import { closed, has, isLookalike } from "../parts/clients.ts";
import type { SqlDatabase, SqlRow } from "./database.ts";

/** Properties that `pg` does not have, but other libraries with a `query` method do. */
export interface OfPgAlone {
  readonly $pool?: never;
  readonly anyFirst?: never;
  readonly createQueryRunner?: never;
  readonly escapeId?: never;
  readonly request?: never;
}

/** The methods used of a `Pool` of `pg`. */
export interface PostgresPool extends OfPgAlone {
  query(query: PostgresQuery): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

/** A query object of `pg`. */
export interface PostgresQuery {
  readonly text: string;
  readonly values: unknown[];
  readonly name?: string;
  readonly types?: { getTypeParser(type: number, format?: string): (value: never) => unknown };
}

/** How statements are sent to PostgreSQL. */
export interface PostgresOptions {
  /**
   * Whether to use named prepared statements, prepared once per connection, which saves PostgreSQL a quarter of its work. If a
   * pooler does not support them (PgBouncer in transaction mode without `max_prepared_statements`), the store detects this
   * and stops using them. Default `true`.
   */
  readonly prepare?: boolean;
}

/** Returns columns as strings, regardless of the type parsers of the pool or the application. */
export const AS_TEXT = { getTypeParser: () => String };

/** A pool of `pg`, or a connected client. */
export function pgDatabase(handle: PostgresPool, { prepare = true }: PostgresOptions = {}): SqlDatabase {
  const pool = "_connected" in handle ? oneAtATime(handle) : handle;
  let isPreparing = prepare;
  return {
    dialect: "postgres",
    name: addressOf("PostgreSQL", handle),
    async run(text, values) {
      const query = { text, values, types: AS_TEXT };
      const { rows, rowCount } = await (isPreparing && isRepeated(text)
        ? pool.query({ name: nameOf(text), ...query }).catch((error: unknown) => {
            if (!isUnpreparable(error)) throw error;
            // The statement did not run: the pooler used a connection that does not have it, or that has one of this name.
            isPreparing = false;
            return pool.query(query);
          })
        : pool.query(query));
      return { rows: rows as SqlRow[], affected: rowCount ?? 0 };
    },
  };
}

/** Queues the queries of a single client: pg 8 deprecates its own queue, and pg 9 removes it. */
function oneAtATime(client: PostgresPool): PostgresPool {
  let last: Promise<unknown> = Promise.resolve();
  return {
    query(query) {
      const answer = last.then(() => client.query(query));
      last = answer.catch(() => {});
      return answer;
    },
  };
}

/** Methods that mysql2, SQLite, PGlite and D1 have beside `query`, and pg does not. */
const OTHERS = ["execute", "prepare", "waitReady", "unsafe"];

/** Whether it has the methods of `pg`, and none of another library. */
export function isPg(handle: unknown): boolean {
  return (
    typeof handle === "object" &&
    has(handle, "query") &&
    !OTHERS.some((name) => has(handle, name)) &&
    !isLookalike(handle)
  );
}

/**
 * @throws ConfigError for a pool that was ended, and for a client that is not connected, since its queries would
 * never resolve
 */
export function openPg<Pool>(who: string, pool: Pool): Pool {
  const state = pool as { ended?: unknown; _ended?: unknown; _connected?: unknown; _connecting?: unknown };
  if (state.ended === true || state._ended === true) throw closed(who, "a Pool or Client of pg");
  if (state._connected === false && state._connecting !== true) {
    throw new ConfigError(
      `${who} got a Client of pg that is not connected: await client.connect() first, or pass a Pool.`,
    );
  }
  return pool;
}

const names = new Map<string, string>();

/**
 * A name derived from the text, since another version of this library may have prepared another text on the same
 * connection.
 */
function nameOf(text: string): string {
  const name = names.get(text) ?? `hipflask_${hash("sha256", text, "hex").slice(0, 16)}`;
  names.set(text, name);
  return name;
}

/** Whether the text is always the same, unlike schema statements and those with a limit in their text. */
function isRepeated(text: string): boolean {
  return text.includes("$1");
}

function isUnpreparable(error: unknown): boolean {
  return ["26000", "42P05"].includes(String((error as { code?: unknown }).code));
}
