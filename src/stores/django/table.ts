import { djangoConnection, type DjangoConnection, type DjangoDatabase } from "./database.ts";
import { djangoStatements, type DjangoStatements } from "./statements.ts";
import type { NewRecord, NextRecord, RecordStore, Replaced } from "../record-store.ts";
import { storeError } from "../store-error.ts";

/** Where Django's sessions are, and by which clock they end. */
export interface DjangoTableOptions {
  readonly table: string;
  readonly timeZone: string;
  /** Epoch milliseconds. As in Django it is the clock of the application that decides. */
  readonly now: () => number;
}

/** Times that a statement is tried which the engine sacrificed to let another one through. */
const ATTEMPTS = 8;

/** The table `django_session`: each verb is one statement, and none of them inserts what is missing but `insert`. */
export class DjangoTable implements RecordStore<string> {
  readonly #connection: DjangoConnection;
  readonly #statements: DjangoStatements;
  readonly #now: () => number;

  /** @throws ConfigError */
  constructor(database: DjangoDatabase, { table, timeZone, now }: DjangoTableOptions) {
    this.#connection = djangoConnection(database, timeZone);
    this.#statements = djangoStatements(table, this.#connection.dialect);
    this.#now = now;
  }

  async read(key: string): Promise<string | null> {
    const { rows } = await this.#run("read", [key, this.#at(0)]);
    return rows[0] === undefined ? null : String(rows[0].content);
  }

  async insert(key: string, { content, lifetime }: NewRecord<string>): Promise<"ok" | "taken"> {
    const { affected } = await this.#run("insert", [key, content, this.#at(lifetime)]);
    return affected === 0 ? "taken" : "ok";
  }

  async replace(
    key: string,
    expected: string,
    { key: newKey = key, content, lifetime }: NextRecord<string>,
  ): Promise<Replaced<string>> {
    const { affected } = await this.#run("replace", [
      newKey,
      content,
      this.#at(lifetime),
      key,
      this.#at(0),
      expected,
    ]);
    if (affected === TAKEN) return { status: "taken" };
    if (affected > 0) return { status: "ok" };
    const now = await this.read(key);
    if (now === null) return { status: "gone" };
    // A connection that counts changed rows instead of found ones says 0 where a row is to stay what it is.
    if (now === expected && expected === content && newKey === key) return { status: "ok" };
    return { status: "conflict", content: now };
  }

  async touch(key: string, lifetime: number): Promise<"ok" | "gone"> {
    const { affected } = await this.#run("touch", [this.#at(lifetime), key, this.#at(0)]);
    return affected > 0 || (await this.read(key)) !== null ? "ok" : "gone";
  }

  async discard(key: string, expected: string): Promise<Replaced<string>> {
    const { affected } = await this.#run("discard", [key, this.#at(0), expected]);
    if (affected > 0) return { status: "ok" };
    const content = await this.read(key);
    return content === null ? { status: "gone" } : { status: "conflict", content };
  }

  async remove(key: string): Promise<"ok" | "gone"> {
    const { affected } = await this.#run("remove", [key]);
    return affected > 0 ? "ok" : "gone";
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #at(seconds: number): string {
    return this.#connection.dialect.instant(this.#now() + seconds * 1000);
  }

  async #run(verb: keyof DjangoStatements, values: string[]): ReturnType<DjangoConnection["query"]> {
    const { isDuplicate, isSacrificed } = this.#connection.dialect;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#connection.query(this.#statements[verb], values);
      } catch (error) {
        if (isDuplicate(error)) return { rows: [], affected: verb === "insert" ? 0 : TAKEN };
        if (!isSacrificed(error) || attempt === ATTEMPTS) throw storeError(verb, error);
      }
    }
  }
}

/** What counts for the number of rows where the new key is somebody else's. */
const TAKEN = -1;
