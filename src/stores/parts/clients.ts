import { ConfigError } from "../../errors.ts";

/**
 * What a client or store is called, and what to do with it, by the names of its properties: all of one of the alternatives
 * between `|`, and none of those with a `!`.
 */
type Kinds = Readonly<Record<string, string>>;

/** Objects with the method names of a supported client that behave differently. */
const LOOKALIKES: Kinds = {
  "$pool $config": "a database of pg-promise: pass its pool of pg, db.$pool",
  "query anyFirst":
    "a pool of slonik: pass a pg.Pool, or { dialect, run } to sqlStore of hipflask/stores/sql",
  getQueryInterface:
    "a Sequelize: pass a pool of its driver, or { dialect, run } to sqlStore of hipflask/stores/sql",
  "createQueryRunner getRepository":
    "a DataSource of TypeORM: pass a pool of its driver, or { dialect, run } to sqlStore of hipflask/stores/sql",
  "query request batch":
    "a pool of mssql: pass { dialect, run } of PostgreSQL, MySQL or SQLite to sqlStore of hipflask/stores/sql",
  "query escapeId !execute": "a connection or pool of the mysql package: use mysql2",
  "internal_send_command !isOpen | evalSha !isOpen":
    "a client of Redis that takes callbacks: make it without legacyMode, by redis 4 or later",
  "findOne updateOne schema": "a model of Mongoose: pass its collection, Model.collection",
  "model connection | model collection":
    'Mongoose or its connection: use mongodbStore(mongoose.connection.collection("sessions")) of hipflask/stores/mongodb',
  "batchGet createSet": "a DocumentClient of the AWS SDK 2: use DynamoDBDocument of @aws-sdk/lib-dynamodb",
  customCommand: "a client of Valkey GLIDE: use iovalkey, ioredis or @redis/client",
  "from rpc auth":
    "a client of Supabase: which does not run SQL: pass new pg.Pool({ connectionString }), with the connection string of the database",
  "connectionString connect":
    "a binding of Hyperdrive: pass a connected new pg.Client({ connectionString: env.HYPERDRIVE.connectionString })",
};

/** The order matters: some also have the methods of later ones. */
const KINDS: Kinds = {
  "read insert replace remove": 'a store of hipflask: which is what the option "store" takes',
  "evalSha | evalsha | send hset del": "a client of Redis: use redisStore of hipflask/stores/redis",
  "updateOne findOne": "a collection of MongoDB: use mongodbStore of hipflask/stores/mongodb",
  "startSession db | collection command":
    'a client or database of MongoDB: use mongodbStore(client.db("app").collection("sessions")) of hipflask/stores/mongodb',
  "batchGet put": "a document client of DynamoDB: use dynamodbStore of hipflask/stores/dynamodb",
  "send middlewareStack":
    "a client of the AWS SDK: use dynamodbStore(DynamoDBDocument.from(client)) of hipflask/stores/dynamodb",
  "gets cas": "a client of Memcached: use memcachedStore of hipflask/stores/memcached",
  idFromName: "a Durable Object namespace: use durableObjectStore of hipflask/stores/durable-object",
  "atomic getMany": "a Deno.Kv: use denoKvStore of hipflask/stores/deno-kv",
  "getWithMetadata put": "a KV namespace: use workersKvStore of hipflask/stores/workers-kv",
  "query | execute | executeQuery | executeMultiple | prepare | unsafe | $client | raw migrate":
    "a database of SQL: use sqlStore of hipflask/stores/sql",
  "get set destroy": "a store of express-session: use expressSessionStore of hipflask/stores/express-session",
  "get set | getItem setItem": "a cache or store of another library: which cannot compare and set",
};

/** Whether the value has all of these properties, own or inherited. */
export function has(value: unknown, ...names: string[]): boolean {
  return names.every((name) => name in Object(value));
}

/** Whether the value has the method names of a supported client but behaves differently. */
export function isLookalike(value: unknown): boolean {
  return kindOf(value, LOOKALIKES) !== undefined;
}

function kindOf(value: unknown, kinds: Kinds): string | undefined {
  const isThere = (name: string) => (name.startsWith("!") ? !has(value, name.slice(1)) : has(value, name));
  const isKind = (names: string) => names.split(" ").every(isThere);
  return Object.entries(kinds).find(([names]) => names.split(" | ").some(isKind))?.[1];
}

/** Whether a string is a URL and not a path: Windows drives have one letter, and SQLite opens `file:` URLs itself. */
export function isUrl(text: string): boolean {
  return /^(?!file:)[a-z][a-z\d+]+:/i.test(text);
}

/**
 * The error for a wrong argument: says what a factory accepts and what kind of value it got. The value itself is not shown, since a URL
 * may contain a password.
 *
 * @param who the factory, or the option
 * @param takes what it accepts, and what to write
 */
export function refusal(who: string, takes: string, value: unknown): ConfigError {
  return new ConfigError(`${who} takes ${takes}; it got ${whatItIs(value)}.`);
}

/** The error for a client that was closed. */
export function closed(who: string, what: string): ConfigError {
  return new ConfigError(`${who} got ${what} that was closed already: pass one that stays open.`);
}

function whatItIs(value: unknown): string {
  if (value === undefined || value === null) return `${value}`;
  if (typeof value === "string") {
    return isUrl(value)
      ? "the string of a URL, which `await storeFromUrl(url)` of hipflask/stores/from-url opens"
      : "a string";
  }
  if (has(value, "then")) return "a promise: await it";
  const kind = kindOf(value, LOOKALIKES) ?? kindOf(value, KINDS);
  if (kind !== undefined) return kind;
  if (typeof value === "function")
    return functionItself(value.name ?? "", Function.prototype.toString.call(value));
  return typeof value === "object" ? "an object that is none of these" : `a ${typeof value}`;
}

function functionItself(name: string, source: string): string {
  const called = name === "" ? "" : ` ${name}`;
  return source.startsWith("class")
    ? `the class${called} itself: make one with new${called}(…)`
    : `the function${called} itself: call it`;
}
