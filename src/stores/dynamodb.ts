import { checkOptions } from "../check-options.ts";
import { StoreError } from "../errors.ts";
import { isLookalike, refusal } from "./parts/clients.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { unexpectedAnswer } from "./parts/driver-errors.ts";
import { GONE, OK, conditionFailed, headOf } from "./parts/values.ts";

/** The methods used of a `DynamoDBDocument` of `@aws-sdk/lib-dynamodb`. */
export interface DynamoDocument {
  get(input: object): Promise<{ Item?: Record<string, unknown> | undefined }>;
  put(input: object): Promise<unknown>;
  delete(input: object): Promise<unknown>;
  batchGet(input: object): Promise<{
    Responses?: Record<string, Array<Record<string, unknown>>> | undefined;
    UnprocessedKeys?: Record<string, unknown> | undefined;
  }>;
}

/** Options of {@link dynamodbStore}. */
export interface DynamoStoreOptions {
  /** The table, whose partition key is the string attribute `id`. Default `"hipflask_sessions"`. */
  readonly table?: string;
  /** The clock, in epoch milliseconds: DynamoDB's conditions cannot use the server's. Default `Date.now`. */
  readonly now?: () => number;
}

/** Maximum number of keys in a BatchGetItem request. */
const BATCH = 100;
/** Characters in the attribute that a list reads; the rest of the text is in another attribute. */
const HEAD = 6144;

const HEAD_ATTRIBUTES = { "#id": "id", "#commit": "commit", "#head": "head", "#until": "until" };

/**
 * Keeps sessions in Amazon DynamoDB, with conditional writes and consistent reads. Closing the client is up to you.
 *
 * The table has the partition key `id` (a string) and no sort key; enable its TTL for the attribute `expires`. DynamoDB may take
 * days to remove expired items, so each condition also checks the expiry, by the application's clock.
 *
 * @throws ConfigError for a client that is not a `DynamoDBDocument`
 * @example
 * ```ts no-check
 * import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
 * import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
 * import { dynamodbStore } from "hipflask/stores/dynamodb";
 * export const store = dynamodbStore(DynamoDBDocument.from(new DynamoDBClient({})), { table: "sessions" });
 * ```
 */
export function dynamodbStore(client: DynamoDocument, options: DynamoStoreOptions = {}): Store {
  if (typeof client?.batchGet !== "function" || typeof client.put !== "function" || isLookalike(client)) {
    throw refusal(
      "dynamodbStore",
      "a document client: DynamoDBDocument.from(new DynamoDBClient({ … })) of @aws-sdk/lib-dynamodb",
      client,
    );
  }
  checkOptions("dynamodbStore", options, { table: "string", now: "function" });
  return new DynamoStore(client, options);
}

class DynamoStore implements Store {
  readonly name: string;
  readonly atomic = true;
  readonly now: () => number;
  readonly #client: DynamoDocument;
  readonly #table: string;

  constructor(
    client: DynamoDocument,
    { table = "hipflask_sessions", now = systemClock }: DynamoStoreOptions,
  ) {
    this.name = `DynamoDB's table "${table}"`;
    this.now = now;
    this.#client = client;
    this.#table = table;
  }

  async read(key: string): Promise<Stored | undefined> {
    const input = { TableName: this.#table, Key: { id: key }, ConsistentRead: true };
    return this.#stored((await this.#ask(() => this.#client.get(input))).Item);
  }

  async insert(key: string, write: Write): Promise<boolean> {
    const condition = "attribute_not_exists(#id) OR #until <= :now";
    const names = { "#id": "id", "#until": "until" };
    return this.#holds(() =>
      this.#client.put({
        ...this.#item(key, write),
        ...this.#condition(condition, names, { ":now": this.now() }),
      }),
    );
  }

  async replace(key: string, expected: string, write: Write): Promise<Replaced> {
    const put = () => this.#client.put({ ...this.#item(key, write), ...this.#unchanged(expected) });
    return (await this.#holds(put)) ? OK : conditionFailed(await this.read(key));
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    const condition = expected === undefined ? this.#live() : this.#unchanged(expected);
    const remove = () => this.#client.delete({ TableName: this.#table, Key: { id: key }, ...condition });
    if (await this.#holds(remove)) return OK;
    return expected === undefined ? GONE : conditionFailed(await this.read(key));
  }

  async readMany(keys: readonly string[], length: number): Promise<ReadonlyMap<string, Stored>> {
    const found = new Map<string, Stored>();
    for (let from = 0; from < keys.length; from += BATCH) {
      const Keys = keys.slice(from, from + BATCH).map((id) => ({ id }));
      const ProjectionExpression = Object.keys(HEAD_ATTRIBUTES).join(", ");
      const wanted = {
        Keys,
        ProjectionExpression,
        ExpressionAttributeNames: HEAD_ATTRIBUTES,
        ConsistentRead: true,
      };
      let request: Record<string, unknown> = { [this.#table]: wanted };
      // DynamoDB may return a large result in parts.
      while (Object.keys(request).length > 0) {
        const input = { RequestItems: request };
        const { Responses, UnprocessedKeys = {} } = await this.#ask(() => this.#client.batchGet(input));
        for (const item of Responses?.[this.#table] ?? []) {
          const stored = this.#stored(item);
          if (stored) found.set(String(item["id"]), headOf(stored, length));
        }
        request = UnprocessedKeys;
      }
    }
    return found;
  }

  async #ask<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    try {
      return await send();
    } catch (error) {
      if ((error as { name?: unknown }).name !== "ResourceNotFoundException") throw error;
      throw new StoreError(
        "unavailable",
        `${this.name} is not there: create a table with the partition key "id" (text) and TTL on "expires", or name another by the option "table".`,
      );
    }
  }

  async #holds(send: () => Promise<unknown>): Promise<boolean> {
    try {
      await this.#ask(send);
      return true;
    } catch (error) {
      if ((error as { name?: unknown }).name === "ConditionalCheckFailedException") return false;
      throw error;
    }
  }

  #item(id: string, { text, commit, lifetime }: Write): object {
    const until = this.now() + Math.ceil(lifetime * 1000);
    const [head, tail] = [text.slice(0, HEAD), text.slice(HEAD)];
    const Item = { id, commit, head, ...(tail !== "" && { tail }), until, expires: Math.ceil(until / 1000) };
    return { TableName: this.#table, Item };
  }

  #live(): object {
    return this.#condition("#until > :now", { "#until": "until" }, { ":now": this.now() });
  }

  #unchanged(expected: string): object {
    const names = { "#commit": "commit", "#until": "until" };
    const values = { ":expected": expected, ":now": this.now() };
    return this.#condition("#commit = :expected AND #until > :now", names, values);
  }

  #condition(expression: string, names: Record<string, string>, values: Record<string, unknown>): object {
    return {
      ConditionExpression: expression,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    };
  }

  #stored(item: Record<string, unknown> | undefined): Stored | undefined {
    if (item === undefined) return undefined;
    // A document client may be configured to wrap numbers as `{ value: "1" }`.
    const until = Number((item["until"] as { value?: unknown } | undefined)?.value ?? item["until"]);
    const { head, tail = "", commit } = item;
    if (Number.isNaN(until) || typeof head !== "string" || typeof commit !== "string")
      throw unexpectedAnswer(this.name, "read");
    return until > this.now() ? { text: head + String(tail), commit } : undefined;
  }
}
