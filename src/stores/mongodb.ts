import { checkCount } from "../check-options.ts";
import { addressOf } from "./parts/address.ts";
import { isLookalike, refusal } from "./parts/clients.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { GONE, OK, conditionFailed } from "./parts/values.ts";

/* oxlint-disable typescript/no-explicit-any -- the driver has types of its own for filters, updates and options, ours fit */

/** The methods used of a `Collection` of `mongodb`. */
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

/** Maximum number of keys in a query. */
const BATCH = 500;

/** With these concerns, acknowledged writes survive the loss of a server, and reads always see them. */
const WRITE = { writeConcern: { w: "majority" } };
const READ = { readPreference: "primary", readConcern: { level: "majority" } };

/**
 * Keeps sessions in MongoDB 5 or later: a document per record, which is replaced if it has the expected commit id. Records expire
 * by the server's clock (`$$NOW`). Closing the client is up to you.
 *
 * `store.migrate()` creates the TTL index, with which MongoDB removes expired documents.
 *
 * @throws ConfigError for anything that is not a collection
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
  checkCount("mongodbStore", arguments, 1, "settings belong to the collection");
  if (
    typeof collection?.updateOne !== "function" ||
    typeof collection.findOne !== "function" ||
    isLookalike(collection)
  ) {
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
    const { namespace } = collection;
    this.name = addressOf(namespace === undefined ? "MongoDB" : `MongoDB's ${namespace}`, collection);
  }

  async read(key: string): Promise<Stored | undefined> {
    const projection = { commit: 1, record: 1, now: "$$NOW" };
    const document = await this.#collection.findOne({ _id: key, ...LIVE }, { ...READ, projection });
    return document === null ? undefined : storedOf(document as Document);
  }

  async insert(key: string, write: Write): Promise<boolean> {
    try {
      // The commit id is new, so this matches no live document: it inserts one, unless the key exists.
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
  }

  async replace(key: string, expected: string, write: Write): Promise<Replaced> {
    const filter = { _id: key, commit: expected, ...LIVE };
    const { matchedCount } = await this.#collection.updateOne(filter, update(write), WRITE);
    return matchedCount > 0 ? OK : conditionFailed(await this.read(key));
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    const filter = { _id: key, ...(expected !== undefined && { commit: expected }), ...LIVE };
    if ((await this.#collection.deleteOne(filter, WRITE)).deletedCount > 0) return OK;
    return expected === undefined ? GONE : conditionFailed(await this.read(key));
  }

  async readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    const found = new Map<string, Stored>();
    const projection = { commit: 1, record: { $substrCP: ["$record", 0, length] }, now: "$$NOW" };
    for (let from = 0; from < keys.length; from += BATCH) {
      const filter = { _id: { $in: keys.slice(from, from + BATCH) }, ...LIVE };
      const documents = await this.#collection.find(filter, { ...READ, projection }).toArray();
      for (const document of documents as Document[]) found.set(document._id, storedOf(document));
    }
    return found;
  }

  /** Only a query that finds a document can return the server's time. */
  async now(): Promise<number> {
    const time = update({ text: "", commit: CLOCK, lifetime: 60 });
    await this.#collection.updateOne({ _id: CLOCK }, time, { ...WRITE, upsert: true });
    return (await this.read(CLOCK))?.now ?? Promise.reject(new Error("the clock was removed"));
  }

  async migrate(): Promise<void> {
    await this.#collection.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  }
}

const CLOCK = "clock";
const DUPLICATE_KEY = 11000;
const LIVE = { $expr: { $gt: ["$expiresAt", "$$NOW"] } };

/** An update as an aggregation pipeline, which can compute with the server's time. */
function update({ text, commit, lifetime }: Write): object[] {
  const expiresAt = { $add: ["$$NOW", Math.ceil(lifetime * 1000)] };
  return [{ $set: { commit: { $literal: commit }, record: { $literal: text }, expiresAt } }];
}

function storedOf({ record, commit, now }: Document): Stored {
  return { text: record, commit, now: now.getTime() };
}
