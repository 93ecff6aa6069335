import type { Change } from "../verbs.ts";

/** Values by the names they have in a statement, as `:name`. */
export type Values = Record<string, unknown>;

/** A piece of SQL and the values it names. */
export interface Fragment {
  readonly sql: string;
  readonly values: Values;
}

/** What differs between the SQL of PostgreSQL and that of MySQL and MariaDB. Chosen once, when a store is made. */
export interface Dialect {
  /** The schema, statement by statement; each may run again. */
  readonly schema: readonly string[];
  /** Epoch milliseconds at the start of the statement. */
  readonly now: string;
  /** How a statement spells the value that its text calls `:name` and that came as number `index`. */
  readonly placeholder: (index: number) => string;
  /** Whether a value that is named twice is sent twice. */
  readonly repeats: boolean;
  /** `:name` as a number. */
  readonly number: (name: string) => string;
  /** A condition: the column is one of the values. */
  readonly among: (column: string, values: readonly string[]) => Fragment;
  /** `fields` as text. */
  readonly fieldsText: string;
  /** `fields` after a change; keys and texts are escaped already. */
  readonly changedFields: (change: FieldsChange) => Fragment;
  /** A condition: `fields` can be changed and, changed, has no more than so many bytes. */
  readonly fits: (changedFields: string) => string;
  /** A condition: the field under `key`, text or NULL, is `text`. */
  readonly fieldIs: (key: string, text: string) => string;
  /** How a field is addressed in `fieldIs`. */
  readonly fieldPath: (key: string) => string;
  /** Ends an INSERT that is to do nothing if the session exists. */
  readonly unlessExists: string;
  /** Inserts an owner, or locks the row there is. */
  readonly lockOwner: string;
  /** Inserts or moves the mark of an owner to now. */
  readonly markOwner: string;
  readonly deleteExpired: (limit: number) => string;
  readonly forgetOwners: (limit: number) => string;
  /** The row was there already. */
  readonly isDuplicate: (error: unknown) => boolean;
  /** The engine gave up on a transaction to let another one through; nothing was applied. */
  readonly isSerializationFailure: (error: unknown) => boolean;
}

/** What a change does to fields, by escaped keys. */
export interface FieldsChange {
  readonly keep: readonly string[] | undefined;
  readonly unset: readonly string[];
  readonly set: Readonly<Record<string, string>>;
}

/** The names of columns, in the order of an INSERT. */
export const COLUMNS =
  "selector, verifier_hash, previous_hash, previous_until, fields, owner, device, created_at, rotated_at, authenticated_at, last_seen_at, expires_at, absolute_at";

/** Puts the values where a statement names them. A `::` of PostgreSQL is no name. */
export function compile(dialect: Dialect, sql: string, values: Values): { text: string; values: unknown[] } {
  const list: unknown[] = [];
  const places = new Map<string, number>();
  const text = sql.replaceAll(/(?<!:):([a-z]\w*)/gi, (_, name: string) => {
    const known = places.get(name);
    if (known !== undefined && !dialect.repeats) return dialect.placeholder(known);
    if (!Object.hasOwn(values, name))
      throw new TypeError(`The statement names "${name}" and has no value for it.`);
    list.push(values[name]);
    places.set(name, list.length);
    return dialect.placeholder(list.length);
  });
  return { text, values: list };
}

/** A live session whose verifier is the presented one, or was within its grace. */
export function admitted(dialect: Dialect): string {
  return `selector = :selector AND expires_at > ${nowOf(dialect)} AND (verifier_hash = :presented OR (previous_hash = :presented AND previous_until > ${nowOf(dialect)}))`;
}

/** The time of the engine, moved by `:offset`, which is 0 but in tests. */
export function nowOf(dialect: Dialect): string {
  return `(${dialect.now} + ${dialect.number("offset")})`;
}

/** Assignments for `change.expiry`, in milliseconds `:idle` and `:absolute`. */
export function expiryAssignments(dialect: Dialect, expiry: Change["expiry"]): string[] {
  if (!expiry) return [];
  const now = nowOf(dialect);
  const idleAt = `${now} + ${dialect.number("idle")}`;
  const absoluteAt = absoluteOf(dialect, expiry.absolute);
  const assignments = [
    `last_seen_at = ${now}`,
    `expires_at = LEAST(${idleAt}, COALESCE(${absoluteAt}, ${idleAt}))`,
  ];
  return expiry.absolute === undefined ? assignments : [...assignments, `absolute_at = ${absoluteAt}`];
}

function absoluteOf(dialect: Dialect, absolute: number | null | undefined): string {
  if (absolute === undefined) return "absolute_at";
  return absolute === null ? "NULL" : `${nowOf(dialect)} + ${dialect.number("absolute")}`;
}
