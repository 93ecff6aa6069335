import { hash } from "node:crypto";
import { ConfigError } from "../../errors.ts";
import { addressOf } from "../parts/address.ts";
import { closed, has, isLookalike } from "../parts/clients.ts";
import type { SqlDatabase, SqlRow } from "./database.ts";

/** Names that libraries with a `query` of their own have, and `pg` has not. */
export interface OfPgAlone {
  readonly $pool?: never;
  readonly anyFirst?: never;
  readonly createQueryRunner?: never;
  readonly escapeId?: never;
  readonly request?: never;
}

/** What we call of a `Pool` of `pg`. */
export interface PostgresPool extends OfPgAlone {
  query(query: PostgresQuery): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

/** A statement as `pg` takes it. */
export interface PostgresQuery {
  readonly text: string;
  readonly values: unknown[];
  readonly name?: string;
}

/** How statements are sent to PostgreSQL. */
export interface PostgresOptions {
  /**
   * Whether statements are prepared by name, once per connection, which saves PostgreSQL a quarter of its work. Behind a pooler
   * that cannot keep them (PgBouncer in transaction mode without `max_prepared_statements`) the store notices and goes on
   * without. Default `true`.
   */
  readonly prepare?: boolean;
}

/** A pool of `pg`, or a connected client. */
export function pgDatabase(handle: PostgresPool, { prepare = true }: PostgresOptions = {}): SqlDatabase {
  const pool = "_connected" in handle ? oneAtATime(handle) : handle;
  let isPreparing = prepare;
  return {
    dialect: "postgres",
    name: addressOf("PostgreSQL", handle),
    async run(text, values) {
      const query = { text, values };
      const { rows, rowCount } = await (isPreparing && isRepeated(text)
        ? pool.query({ name: nameOf(text), ...query }).catch((error: unknown) => {
            if (!isUnpreparable(error)) throw error;
            // The statement did not run: a pooler gave it a connection on which it is unknown, or known already.
            isPreparing = false;
            return pool.query(query);
          })
        : pool.query(query));
      return { rows: rows as SqlRow[], affected: rowCount ?? 0 };
    },
  };
}

/** For a client, which has one connection: pg 8 warns of statements that queue there, and pg 9 will not queue them. */
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

/** What mysql2, SQLite, PGlite and D1 have beside `query`, and pg has not. */
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

/** @throws ConfigError for a pool that was ended, and for a client that is not connected, which would never answer */
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

/** By content: another version of this library may have prepared another text on the same connection. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `hipflask_${hash("sha256", text, "hex").slice(0, 16)}`;
  names.set(text, name);
  return name;
}

/** Statements of the schema, and those with a number in their text, are not worth a name. */
function isRepeated(text: string): boolean {
  return text.includes("$1");
}

function isUnpreparable(error: unknown): boolean {
  return ["26000", "42P05"].includes(String((error as { code?: unknown }).code));
}
