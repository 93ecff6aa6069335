import { djangoDatabase, type DjangoDatabase } from "./database.ts";
import { djangoDialect, djangoStatements, type DjangoDialect, type DjangoStatements } from "./statements.ts";
import type { SqlDatabase, SqlResult } from "../sql/database.ts";
import type { Replaced, Store, Stored, Write } from "../parts/store.ts";
import { storeError, unexpectedAnswer } from "../parts/driver-errors.ts";
import { backOff } from "../parts/store-calls.ts";
import { GONE, OK, conditionFailed, textOf } from "../parts/values.ts";

/** The table of Django's sessions, and the clock by which they expire. */
export interface DjangoTableOptions {
  readonly table: string;
  readonly timeZone: string;
  /** The clock, in epoch milliseconds. As in Django, it is that of the application. */
  readonly now: () => number;
}

/** The table `django_session`. Django's rows have no commit ids, so the content itself is used as one. */
export class DjangoTable implements Store {
  readonly name: string;
  readonly atomic = true;
  readonly #database: SqlDatabase;
  readonly #dialect: DjangoDialect;
  readonly #statements: DjangoStatements;
  readonly #now: () => number;

  /** @throws ConfigError */
  constructor(database: DjangoDatabase, { table, timeZone, now }: DjangoTableOptions) {
    this.#database = djangoDatabase(database);
    this.#dialect = djangoDialect(this.#database.dialect, timeZone);
    this.#statements = djangoStatements(table, this.#dialect);
    this.#now = now;
    this.name = `Django's table in ${this.#database.name ?? "a database"}`;
  }

  commitOf(text: string): string {
    return text;
  }

  now(): number {
    return this.#now();
  }

  async read(key: string): Promise<Stored | undefined> {
    const { rows } = await this.#run("read", [key, this.#at(0)]);
    if (rows[0] === undefined) return undefined;
    const text = textOf(rows[0].content);
    if (text === undefined) throw unexpectedAnswer(this.name, "read");
    return { text, commit: text };
  }

  async insert(key: string, { text, lifetime }: Write): Promise<boolean> {
    const expiry = this.#at(lifetime);
    if ((await this.#run("insert", [key, text, expiry])).affected > 0) return true;
    return (await this.#run("takeOver", [text, expiry, key, this.#at(0)])).affected > 0;
  }

  async replace(key: string, expected: string, { text, lifetime }: Write): Promise<Replaced> {
    const values = [text, this.#at(lifetime), key, this.#at(0), expected];
    if ((await this.#run("replace", values)).affected > 0) return OK;
    const refusal = conditionFailed(await this.read(key));
    // A connection that counts changed rows instead of matched rows returns 0 if the new content is the same.
    const isSame = refusal.status === "conflict" && refusal.current.text === expected && text === expected;
    return isSame ? OK : refusal;
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    const { affected } =
      expected === undefined
        ? await this.#run("remove", [key, this.#at(0)])
        : await this.#run("removeExpected", [key, this.#at(0), expected]);
    if (affected > 0) return OK;
    return expected === undefined ? GONE : conditionFailed(await this.read(key));
  }

  async close(): Promise<void> {
    await this.#database.close?.();
  }

  #at(seconds: number): string {
    return this.#dialect.instant(this.#now(), seconds * 1000);
  }

  async #run(verb: keyof DjangoStatements, values: string[]): Promise<SqlResult> {
    for (let conflicts = 0; ; await backOff(++conflicts)) {
      try {
        return await this.#database.run(this.#statements[verb], values);
      } catch (error) {
        if (this.#dialect.isDuplicate(error)) return { rows: [], affected: 0 };
        if (!this.#dialect.isAborted(error)) throw storeError(this.name, verb, error);
      }
    }
  }
}
