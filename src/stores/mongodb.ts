import { refusal } from "./parts/clients.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { inStep } from "./parts/attempts.ts";

/* oxlint-disable typescript/no-explicit-any -- the driver has types of its own for filters, updates and options, ours fit */

/** What we call of a `Collection` of `mongodb`. */
export interface MongoCollection {
  findOne(filter: any, options: any): Promise<object | null>;
  find(filter: any, options: any): { toArray(): Promise<object[]> };
  updateOne(filter: any, update: any, options: any): Promise<{ matchedCount: number; upsertedCount: number }>;
  deleteOne(filter: any, options: any): Promise<{ deletedCount: number }>;
  createIndex(fields: any, options: any): Promise<string>;
  readonly namespace?: string;
}

interface Document {
  readonly _id: string;
  readonly commit: string;
  readonly record: string;
  readonly now: Date;
}

/** Keys that are read at once. */
const BATCH = 500;

const OK = { status: "ok" } as const;
const GONE = { status: "gone" } as const;
/** What was acknowledged survives the loss of a server, and is what all readers see. */
const WRITE = { writeConcern: { w: "majority" } };
const READ = { readPreference: "primary", readConcern: { level: "majority" } };

/**
 * Sessions in MongoDB 5 or later: a document per record, replaced on condition of its commit id. Deadlines are those of the
 * server's clock (`$$NOW`). The client stays yours to close.
 *
 * `store.migrate()` creates the TTL index that has MongoDB remove expired documents.
 *
 * @throws ConfigError for something else than a collection
 * @example
 * ```ts no-check
 * import { MongoClient } from "mongodb";
 * import { mongodbStore } from "hipflask/stores/mongodb";
 * const client = await new MongoClient("mongodb://127.0.0.1:27017").connect();
 * export const store = mongodbStore(client.db("app").collection("sessions"));
 * await store.migrate();
 * ```
 */
export function mongodbStore(collection: MongoCollection): Store & { migrate(): Promise<void> } {
  if (typeof collection?.updateOne !== "function" || typeof collection.findOne !== "function") {
    throw refusal(
      "mongodbStore",
      'a collection of the mongodb package: client.db("app").collection("sessions")',
      collection,
    );
  }
  return new MongoStore(collection);
}

class MongoStore implements Store {
  readonly name: string;
  readonly atomic = true;
  readonly #collection: MongoCollection;

  constructor(collection: MongoCollection) {
    this.#collection = collection;
    this.name = collection.namespace === undefined ? "MongoDB" : `MongoDB's ${collection.namespace}`;
  }

  read(key: string): Promise<Stored | undefined> {
    return inStep(this.name, "read", () => this.#read(key));
  }

  insert(key: string, write: Write): Promise<boolean> {
    return inStep(this.name, "insert", async () => {
      try {
        // No document has this commit id yet: one is added, unless the key is taken.
        const filter = { _id: key, commit: write.commit };
        const { upsertedCount } = await this.#collection.updateOne(filter, update(write), {
          ...WRITE,
          upsert: true,
        });
        return upsertedCount > 0;
      } catch (error) {
        if ((error as { code?: unknown }).code !== DUPLICATE_KEY) throw error;
      }
      const expired = { _id: key, $expr: { $lte: ["$expiresAt", "$$NOW"] } };
      return (await this.#collection.updateOne(expired, update(write), WRITE)).matchedCount > 0;
    });
  }

  replace(key: string, expected: string, write: Write): Promise<Replaced> {
    return inStep(this.name, "replace", async () => {
      const filter = { _id: key, commit: expected, ...LIVE };
      const { matchedCount } = await this.#collection.updateOne(filter, update(write), WRITE);
      return matchedCount > 0 ? OK : this.#refusal(key);
    });
  }

  remove(key: string, expected?: string): Promise<Replaced> {
    return inStep(this.name, "remove", async () => {
      const filter = { _id: key, ...(expected !== undefined && { commit: expected }), ...LIVE };
      if ((await this.#collection.deleteOne(filter, WRITE)).deletedCount > 0) return OK;
      return expected === undefined ? GONE : this.#refusal(key);
    });
  }

  readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    return inStep(this.name, "readMany", async () => {
      const found = new Map<string, Stored>();
      const projection = { commit: 1, record: { $substrCP: ["$record", 0, length] }, now: "$$NOW" };
      for (let from = 0; from < keys.length; from += BATCH) {
        const filter = { _id: { $in: keys.slice(from, from + BATCH) }, ...LIVE };
        const documents = await this.#collection.find(filter, { ...READ, projection }).toArray();
        for (const document of documents as Document[]) found.set(document._id, storedOf(document));
      }
      return found;
    });
  }

  /** MongoDB tells the time with a document. */
  now(): Promise<number> {
    return inStep(this.name, "now", async () => {
      const time = update({ text: "", commit: CLOCK, lifetime: 60 });
      await this.#collection.updateOne({ _id: CLOCK }, time, { ...WRITE, upsert: true });
      return (await this.#read(CLOCK))?.now ?? Promise.reject(new Error("the clock was removed"));
    });
  }

  async migrate(): Promise<void> {
    const index = () => this.#collection.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
    await inStep(this.name, "migrate", index);
  }

  async #read(key: string): Promise<Stored | undefined> {
    const projection = { commit: 1, record: 1, now: "$$NOW" };
    const document = await this.#collection.findOne({ _id: key, ...LIVE }, { ...READ, projection });
    return document === null ? undefined : storedOf(document as Document);
  }

  /** Why a condition did not hold; reads what is there by now. */
  async #refusal(key: string): Promise<Replaced> {
    const current = await this.#read(key);
    return current ? { status: "conflict", current } : GONE;
  }
}

const CLOCK = "clock";
const DUPLICATE_KEY = 11000;
const LIVE = { $expr: { $gt: ["$expiresAt", "$$NOW"] } };

/** As a pipeline, since only one can add to the server's time. */
function update({ text, commit, lifetime }: Write): object[] {
  const expiresAt = { $add: ["$$NOW", Math.max(1, Math.ceil(lifetime * 1000))] };
  return [{ $set: { commit: { $literal: commit }, record: { $literal: text }, expiresAt } }];
}

function storedOf({ record, commit, now }: Document): Stored {
  return { text: record, commit, now: now.getTime() };
}
