import type { Dialect } from "./dialect.ts";

/** The values of statements, where they are named `:name`. */
export interface Values {
  readonly key?: string;
  readonly expected?: string;
  readonly commit?: string;
  readonly text?: string;
  /** Milliseconds. */
  readonly lifetime?: number;
  /** `sweep_at` is rounded up to a multiple of this, in milliseconds. */
  readonly step?: number;
  readonly keys?: string;
  readonly length?: number;
}

/** A statement in a dialect's SQL, and the names of its values in order. */
export interface Statement {
  readonly text: string;
  readonly names: ReadonlyArray<keyof Values>;
}

/** The statements of the store; each is atomic. */
export interface Statements {
  readonly read: Statement;
  readonly readMany: Statement;
  readonly insert: Statement;
  /** Replaces an expired row, for engines whose `insert` cannot. */
  readonly takeOver: Statement | undefined;
  readonly replace: Statement;
  readonly remove: Statement;
  readonly removeExpected: Statement;
  readonly now: Statement;
}

export function statementsOf(dialect: Dialect): Statements {
  const { now, clock = now, integer, head, divide, among, onConflict } = dialect;
  const deadline = `${now} + ${integer(":lifetime")}`;
  const sweepAt = `((${deadline}) ${divide} ${integer(":step")} + 1) * ${integer(":step")}`;
  const update = `UPDATE hipflask_sessions SET commit_id = :commit, record = :text, expires_at = ${deadline}, sweep_at = ${sweepAt} WHERE id = :key`;
  const live = `expires_at > ${now}`;
  const make = (text: string) => compiled(text, dialect);
  return {
    read: make(
      `SELECT commit_id, record, ${clock} AS now FROM hipflask_sessions WHERE id = :key AND ${live}`,
    ),
    readMany: make(
      `SELECT id, commit_id, ${head(":length")} AS record, ${clock} AS now FROM hipflask_sessions WHERE id IN (${among(":keys")}) AND ${live}`,
    ),
    insert: make(
      `INSERT INTO hipflask_sessions (id, commit_id, record, expires_at, sweep_at) VALUES (:key, :commit, :text, ${deadline}, ${sweepAt}) ${onConflict ?? ""}`,
    ),
    takeOver: onConflict === undefined ? make(`${update} AND expires_at <= ${now}`) : undefined,
    replace: make(`${update} AND commit_id = :expected AND ${live}`),
    remove: make(`DELETE FROM hipflask_sessions WHERE id = :key AND ${live}`),
    removeExpected: make(
      `DELETE FROM hipflask_sessions WHERE id = :key AND commit_id = :expected AND ${live}`,
    ),
    now: make(`SELECT ${clock} AS now`),
  };
}

/** Replaces named values by placeholders. PostgreSQL's `::` casts are left unchanged. */
function compiled(sql: string, { numbered }: Dialect): Statement {
  const names: Array<keyof Values> = [];
  const text = sql.replaceAll(/(?<!:):([a-z]+)/g, (_, word: string) => {
    const name = word as keyof Values;
    if (numbered === undefined || !names.includes(name)) names.push(name);
    return numbered?.(names.indexOf(name) + 1) ?? "?";
  });
  return { text, names };
}
