import { ConfigError } from "../../errors.ts";
import { dynamodbStore } from "../dynamodb.ts";
import { memcachedStore } from "../memcached.ts";
import { mongodbStore } from "../mongodb.ts";
import type { Store } from "../parts/store.ts";
import { dynamoDB, memcachedClient, mongoClient, type MongoClient } from "./clients.ts";
import { NO_KEY, opened } from "./opened.ts";
import type { StoreUrl } from "./url.ts";

/** `dynamodb://region/table`; the AWS SDK finds credentials and endpoint as usual. */
export async function dynamodb({ hosts: [region], path: table, username }: StoreUrl): Promise<Store> {
  if (region === "" || table.includes("/") || username !== undefined) {
    throw new ConfigError(
      'A "dynamodb:" URL has a region and a table, dynamodb://eu-central-1/sessions; the AWS SDK reads the credentials from the environment.',
    );
  }
  const { DynamoDBClient, DynamoDBDocument } = await dynamoDB();
  const document = DynamoDBDocument.from(new DynamoDBClient({ region }));
  const store = dynamodbStore(document, table === "" ? {} : { table });
  return opened(
    store,
    () => store.read(NO_KEY),
    () => document.destroy(),
  );
}

/** `memcached://host:port`: one server. */
export async function memcached({ hosts, username, path }: StoreUrl): Promise<Store> {
  const [host] = hosts;
  if (hosts.length > 1 || host === "" || username !== undefined || path !== "") {
    throw new ConfigError(
      'A "memcached:" URL names one server and nothing else: memcached://127.0.0.1:11211.',
    );
  }
  const Memcached = await memcachedClient();
  const server = /:\d+$/.test(host!) ? host! : `${host}:11211`;
  const connection = new Memcached(server, { retries: 0, remove: false, poolSize: 100 });
  const store = memcachedStore(connection);
  return opened(
    store,
    () => store.read(NO_KEY),
    () => connection.end(),
  );
}

/** Server selection timeout in milliseconds, unless the URL has one. */
const SERVER_SELECTION = 5000;

/** MongoDB's own `mongodb://…` and `mongodb+srv://…` URLs; the path is the database. */
export async function mongodb({ href, query, unreadable }: StoreUrl): Promise<Store> {
  const MongoClient = await mongoClient();
  let connection: MongoClient;
  try {
    const hasPatience = query.has("serverSelectionTimeoutMS");
    connection = new MongoClient(href, hasPatience ? {} : { serverSelectionTimeoutMS: SERVER_SELECTION });
  } catch {
    throw unreadable();
  }
  const store = mongodbStore(connection.db().collection("hipflask_sessions"));
  return opened(
    store,
    () => store.migrate(),
    () => connection.close(),
  );
}
