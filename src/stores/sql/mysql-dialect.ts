import type { Dialect } from "./dialect.ts";

const NOW = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";

/**
 * MariaDB and MySQL. Owners are bytes, since text columns take "ada" and "ada " for the same. An UPDATE assigns from left
 * to right and sees what it assigned before, so `verifier_hash` is assigned last.
 */
export const MYSQL: Dialect = {
  schema: [
    `CREATE TABLE IF NOT EXISTS hipflask_sessions (
  selector VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  verifier_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  previous_hash VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
  previous_until BIGINT NOT NULL,
  fields JSON NOT NULL,
  owner VARBINARY(255),
  device TEXT,
  created_at BIGINT NOT NULL,
  rotated_at BIGINT NOT NULL,
  authenticated_at BIGINT,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  absolute_at BIGINT,
  INDEX hipflask_sessions_expires_at (expires_at),
  INDEX hipflask_sessions_owner (owner)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    `CREATE TABLE IF NOT EXISTS hipflask_owners (
  owner VARBINARY(255) NOT NULL PRIMARY KEY,
  revoked_at BIGINT NOT NULL,
  INDEX hipflask_owners_revoked_at (revoked_at)
) ENGINE = InnoDB`,
  ],
  now: NOW,
  placeholder: () => "?",
  repeats: true,
  number: (name) => `:${name}`,
  among: (column, values) => {
    const named = values.map((value, index) => [`among${index}`, value] as const);
    return {
      sql: `${column} IN (${named.map(([name]) => `:${name}`).join(", ")})`,
      values: Object.fromEntries(named),
    };
  },
  fieldsText: "CAST(fields AS CHAR CHARACTER SET utf8mb4)",
  changedFields: ({ keep, unset, set }) => {
    // A merge patch removes what is null and replaces what is a string: all our fields are strings.
    const patch = JSON.stringify({ ...Object.fromEntries(unset.map((key) => [key, null])), ...set });
    if (!keep) return { sql: "JSON_MERGE_PATCH(fields, :patch)", values: { patch } };
    const named = keep.map((key, index) => [`keep${index}`, key] as const);
    const pairs = named.map(([name]) => `:${name}, JSON_EXTRACT(fields, :${name}path)`);
    return {
      sql: `JSON_MERGE_PATCH('{}', JSON_OBJECT(${pairs.join(", ")}), :patch)`,
      values: {
        patch,
        ...Object.fromEntries(named),
        ...Object.fromEntries(named.map(([name, key]) => [`${name}path`, pathOf(key)])),
      },
    };
  },
  fits: (changedFields) => `JSON_TYPE(fields) = 'OBJECT' AND LENGTH(${changedFields}) <= :bytes`,
  fieldIs: (key, text) =>
    `CAST(JSON_UNQUOTE(JSON_EXTRACT(fields, :${key})) AS BINARY) <=> CAST(:${text} AS BINARY)`,
  fieldPath: pathOf,
  unlessExists: "",
  lockOwner:
    "INSERT INTO hipflask_owners (owner, revoked_at) VALUES (:owner, 0) ON DUPLICATE KEY UPDATE revoked_at = revoked_at",
  markOwner: `INSERT INTO hipflask_owners (owner, revoked_at) VALUES (:owner, ${NOW} + :offset) ON DUPLICATE KEY UPDATE revoked_at = VALUES(revoked_at)`,
  deleteExpired: (limit) =>
    `DELETE FROM hipflask_sessions WHERE expires_at <= ${NOW} + :offset ORDER BY expires_at LIMIT ${limit}`,
  forgetOwners: (limit) =>
    `DELETE FROM hipflask_owners WHERE revoked_at <= ${NOW} + :offset - :age LIMIT ${limit}`,
  isDuplicate: (error) => (error as { errno?: unknown }).errno === 1062,
  isSerializationFailure: (error) => GAVE_WAY.has(Number((error as { errno?: unknown }).errno)),
};

/** A deadlock; and a row that changed after the transaction's snapshot, which MariaDB from 11.6 on refuses to update. */
const GAVE_WAY = new Set([1213, 1020]);

/** Escaped keys hold nothing that a quoted path would have to escape. */
function pathOf(key: string): string {
  return `$."${key}"`;
}
