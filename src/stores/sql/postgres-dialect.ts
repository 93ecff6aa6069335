import type { Dialect } from "./dialect.ts";

const NOW = "(extract(epoch FROM statement_timestamp()) * 1000)::bigint";

/** PostgreSQL and its distributed relatives. Sound under READ COMMITTED: an UPDATE that waited looks again at its WHERE. */
export const POSTGRES: Dialect = {
  schema: [
    `CREATE TABLE IF NOT EXISTS hipflask_sessions (
  selector text COLLATE "C" PRIMARY KEY,
  verifier_hash text COLLATE "C" NOT NULL,
  previous_hash text COLLATE "C",
  previous_until bigint NOT NULL,
  fields jsonb NOT NULL,
  owner text COLLATE "C",
  device text,
  created_at bigint NOT NULL,
  rotated_at bigint NOT NULL,
  authenticated_at bigint,
  last_seen_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  absolute_at bigint
)`,
    "CREATE INDEX IF NOT EXISTS hipflask_sessions_expires_at ON hipflask_sessions (expires_at)",
    "CREATE INDEX IF NOT EXISTS hipflask_sessions_owner ON hipflask_sessions (owner) WHERE owner IS NOT NULL",
    `CREATE TABLE IF NOT EXISTS hipflask_owners (
  owner text COLLATE "C" PRIMARY KEY,
  revoked_at bigint NOT NULL
)`,
    "CREATE INDEX IF NOT EXISTS hipflask_owners_revoked_at ON hipflask_owners (revoked_at)",
  ],
  now: NOW,
  placeholder: (index) => `$${index}`,
  repeats: false,
  number: (name) => `:${name}::bigint`,
  among: (column, values) => ({ sql: `${column} = ANY(:among::text[])`, values: { among: values } }),
  fieldsText: "fields::text",
  changedFields: ({ keep, unset, set }) => ({
    sql: `(${keep ? KEPT : "fields"} - :unset::text[]) || :set::jsonb`,
    values: { unset, set: JSON.stringify(set), ...(keep && { keep }) },
  }),
  fits: (changedFields) =>
    `jsonb_typeof(fields) = 'object' AND octet_length((${changedFields})::text) <= :bytes::bigint`,
  fieldIs: (key, text) => `(fields ->> :${key}::text) IS NOT DISTINCT FROM :${text}::text`,
  fieldPath: (key) => key,
  unlessExists: "ON CONFLICT (selector) DO NOTHING",
  lockOwner:
    "INSERT INTO hipflask_owners (owner, revoked_at) VALUES (:owner, 0) ON CONFLICT (owner) DO UPDATE SET revoked_at = hipflask_owners.revoked_at",
  markOwner: `INSERT INTO hipflask_owners (owner, revoked_at) VALUES (:owner, ${NOW} + :offset::bigint) ON CONFLICT (owner) DO UPDATE SET revoked_at = EXCLUDED.revoked_at`,
  deleteExpired: (limit) =>
    `DELETE FROM hipflask_sessions WHERE selector IN (SELECT selector FROM hipflask_sessions WHERE expires_at <= ${NOW} + :offset::bigint ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
  forgetOwners: (limit) =>
    `DELETE FROM hipflask_owners WHERE owner IN (SELECT owner FROM hipflask_owners WHERE revoked_at <= ${NOW} + :offset::bigint - :age::bigint LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
  isDuplicate: (error) => DUPLICATES.has(codeOf(error)),
  isSerializationFailure: (error) => ["40001", "40P01"].includes(codeOf(error)),
};

/** A row, a table and an index that are there already. IF NOT EXISTS meets the first, in the catalogue, in a race. */
const DUPLICATES = new Set(["23505", "42P07", "42710"]);

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}

const KEPT =
  "(SELECT COALESCE(jsonb_object_agg(key, value), '{}'::jsonb) FROM jsonb_each(fields) WHERE key = ANY(:keep::text[]))";
