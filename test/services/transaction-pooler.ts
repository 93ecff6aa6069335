import { Client, type ClientConfig } from "pg";
import type { PostgresPool, PostgresQueryable } from "../../src/stores/postgres.ts";

/**
 * What PgBouncer does in transaction mode: each statement, and each transaction, gets any connection to the server, and
 * nothing that it leaves on it, be it a setting, a prepared statement or a lock, is there for the next one.
 */
export class TransactionPooler implements PostgresPool {
  readonly #config: ClientConfig;
  readonly #all: Promise<Client>[] = [];
  readonly #free: Client[] = [];
  readonly #waiting: ((client: Client) => void)[] = [];
  /** Connections that were let go and are not clean yet. */
  readonly #returning = new Set<Promise<void>>();
  readonly #size: number;

  constructor(config: ClientConfig, size = 6) {
    this.#config = config;
    this.#size = size;
  }

  async query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number | null }> {
    const client = await this.#take();
    try {
      return await client.query(text, values);
    } finally {
      await this.#giveBack(client);
    }
  }

  async connect(): Promise<PostgresQueryable & { release(): void }> {
    const client = await this.#take();
    return {
      query: (text: string, values?: unknown[]) => client.query(text, values),
      release: () => this.#letGo(client),
    };
  }

  async end(): Promise<void> {
    await Promise.all(this.#returning);
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

  #letGo(client: Client): void {
    const returning = this.#giveBack(client).finally(() => this.#returning.delete(returning));
    this.#returning.add(returning);
  }

  async #giveBack(client: Client): Promise<void> {
    await client.query("DISCARD ALL");
    const next = this.#waiting.shift();
    if (next) next(client);
    else this.#free.push(client);
  }
}
