import { ConfigError } from "../../errors.ts";

/** A kind of client or store, recognized by its methods, for error messages about wrong arguments. */
interface Kind {
  readonly what: string;
  /** What to do with it; follows "it got …:" in the message. */
  readonly advice: string;
  /** Lists of property names; all names of one list must be present. */
  readonly names: ReadonlyArray<readonly string[]>;
  /** A property that must be absent. */
  readonly without?: string;
}

/** Objects with the method names of a supported client that behave differently. */
const LOOKALIKES: readonly Kind[] = [
  {
    what: "a database of pg-promise",
    advice: "pass its pool of pg, db.$pool",
    names: [["$pool", "$config"]],
  },
  {
    what: "a pool of slonik",
    advice: "pass a pg.Pool, or { dialect, run } to sqlStore of hipflask/stores/sql",
    names: [["query", "anyFirst"]],
  },
  {
    what: "a Sequelize",
    advice: "pass a pool of its driver, or { dialect, run } to sqlStore of hipflask/stores/sql",
    names: [["getQueryInterface"]],
  },
  {
    what: "a DataSource of TypeORM",
    advice: "pass a pool of its driver, or { dialect, run } to sqlStore of hipflask/stores/sql",
    names: [["createQueryRunner", "getRepository"]],
  },
  {
    what: "a pool of mssql",
    advice: "pass { dialect, run } of PostgreSQL, MySQL or SQLite to sqlStore of hipflask/stores/sql",
    names: [["query", "request", "batch"]],
  },
  {
    what: "a connection or pool of the mysql package",
    advice: "use mysql2",
    names: [["query", "escapeId"]],
    without: "execute",
  },
  {
    what: "a client of Redis that takes callbacks",
    advice: "make it without legacyMode, by redis 4 or later",
    names: [["internal_send_command"], ["evalSha"]],
    without: "isOpen",
  },
  {
    what: "a model of Mongoose",
    advice: "pass its collection, Model.collection",
    names: [["findOne", "updateOne", "schema"]],
  },
  {
    what: "Mongoose or its connection",
    advice: 'use mongodbStore(mongoose.connection.collection("sessions")) of hipflask/stores/mongodb',
    names: [
      ["model", "connection"],
      ["model", "collection"],
    ],
  },
  {
    what: "a DocumentClient of the AWS SDK 2",
    advice: "use DynamoDBDocument of @aws-sdk/lib-dynamodb",
    names: [["batchGet", "createSet"]],
  },
  {
    what: "a client of Valkey GLIDE",
    advice: "use iovalkey, ioredis or @redis/client",
    names: [["customCommand"]],
  },
  {
    what: "a client of Supabase",
    advice:
      "which does not run SQL: pass new pg.Pool({ connectionString }), with the connection string of the database",
    names: [["from", "rpc", "auth"]],
  },
  {
    what: "a binding of Hyperdrive",
    advice: "pass a connected new pg.Client({ connectionString: env.HYPERDRIVE.connectionString })",
    names: [["connectionString", "connect"]],
  },
];

/** The order matters: some also have the methods of later ones. */
const KINDS: readonly Kind[] = [
  {
    what: "a store of hipflask",
    advice: 'which is what the option "store" takes',
    names: [["read", "insert", "replace", "remove"]],
  },
  {
    what: "a client of Redis",
    advice: "use redisStore of hipflask/stores/redis",
    names: [["evalSha"], ["evalsha"], ["send", "hset", "del"]],
  },
  {
    what: "a collection of MongoDB",
    advice: "use mongodbStore of hipflask/stores/mongodb",
    names: [["updateOne", "findOne"]],
  },
  {
    what: "a client or database of MongoDB",
    advice: 'use mongodbStore(client.db("app").collection("sessions")) of hipflask/stores/mongodb',
    names: [
      ["startSession", "db"],
      ["collection", "command"],
    ],
  },
  {
    what: "a document client of DynamoDB",
    advice: "use dynamodbStore of hipflask/stores/dynamodb",
    names: [["batchGet", "put"]],
  },
  {
    what: "a client of the AWS SDK",
    advice: "use dynamodbStore(DynamoDBDocument.from(client)) of hipflask/stores/dynamodb",
    names: [["send", "middlewareStack"]],
  },
  {
    what: "a client of Memcached",
    advice: "use memcachedStore of hipflask/stores/memcached",
    names: [["gets", "cas"]],
  },
  {
    what: "a Durable Object namespace",
    advice: "use durableObjectStore of hipflask/stores/durable-object",
    names: [["idFromName"]],
  },
  {
    what: "a Deno.Kv",
    advice: "use denoKvStore of hipflask/stores/deno-kv",
    names: [["atomic", "getMany"]],
  },
  {
    what: "a KV namespace",
    advice: "use workersKvStore of hipflask/stores/workers-kv",
    names: [["getWithMetadata", "put"]],
  },
  {
    what: "a database of SQL",
    advice: "use sqlStore of hipflask/stores/sql",
    names: [
      ["query"],
      ["execute"],
      ["executeQuery"],
      ["executeMultiple"],
      ["prepare"],
      ["unsafe"],
      ["$client"],
      ["raw", "migrate"],
    ],
  },
  {
    what: "a store of express-session",
    advice: "use expressSessionStore of hipflask/stores/express-session",
    names: [["get", "set", "destroy"]],
  },
  {
    what: "a cache or store of another library",
    advice: "which cannot compare and set",
    names: [
      ["get", "set"],
      ["getItem", "setItem"],
    ],
  },
];

/** Whether the value has all of these properties, own or inherited. */
export function has(value: unknown, ...names: string[]): boolean {
  return names.every((name) => name in Object(value));
}

/** Whether the value has the method names of a supported client but behaves differently. */
export function isLookalike(value: unknown): boolean {
  return kindOf(value, LOOKALIKES) !== undefined;
}

function kindOf(value: unknown, kinds: readonly Kind[]): Kind | undefined {
  return kinds.find(
    ({ names, without }) =>
      names.some((list) => has(value, ...list)) && (without === undefined || !has(value, without)),
  );
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
  if (kind !== undefined) return `${kind.what}: ${kind.advice}`;
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
