import { Client, type ClientConfig } from "pg";
import type { PostgresPool, PostgresQuery } from "../../src/stores/postgres.ts";

/**
 * What PgBouncer does in transaction mode: each statement gets any connection to the server, and nothing that it leaves on it, be
 * it a setting, a prepared statement or a lock, is there for the next one.
 */
export class TransactionPooler implements PostgresPool {
  /** Statements that met a connection on which they were not prepared, or were prepared already. */
  refused = 0;
  readonly #config: ClientConfig;
  readonly #all: Promise<Client>[] = [];
  readonly #free: Client[] = [];
  readonly #waiting: ((client: Client) => void)[] = [];
  readonly #size: number;

  constructor(config: ClientConfig, size = 6) {
    this.#config = config;
    this.#size = size;
  }

  async query(query: PostgresQuery): Promise<{ rows: unknown[]; rowCount: number | null }> {
    const client = await this.#take();
    try {
      return await client.query(query);
    } catch (error) {
      if ((error as { code?: unknown }).code === "26000") this.refused++;
      throw error;
    } finally {
      await client.query("DISCARD ALL");
      const next = this.#waiting.shift();
      if (next) next(client);
      else this.#free.push(client);
    }
  }

  async end(): Promise<void> {
    for (const client of await Promise.all(this.#all)) await client.end();
  }

  async #take(): Promise<Client> {
    if (this.#free.length > 0) {
      return this.#free.splice(Math.floor(Math.random() * this.#free.length), 1)[0]!;
    }
    if (this.#all.length < this.#size) {
      const opening = this.#open();
      this.#all.push(opening);
      return opening;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #open(): Promise<Client> {
    const client = new Client(this.#config);
    await client.connect();
    return client;
  }
}
