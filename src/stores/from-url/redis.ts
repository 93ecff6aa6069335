import { ConfigError } from "../../errors.ts";
import { redisStore, type NodeRedisClient } from "../redis.ts";
import type { Store } from "../parts/store.ts";
import { nodeRedis, upstashRedis } from "./clients.ts";
import { ignore, NO_KEY, opened } from "./opened.ts";
import type { StoreUrl } from "./url.ts";

/** Connection attempts when the application starts. */
const FIRST_ATTEMPTS = 5;

export async function redis({ href: url, unreadable }: StoreUrl): Promise<Store> {
  if (!/^[^:]+:\/\/[^/?#]+(?:\/\d*)?(?:\?.*)?$/.test(url)) throw unreadable();
  const { createClient } = await nodeRedis();
  let isStarting = true;
  // By default, the client retries forever, so the application would hang at the start if no server responds.
  const reconnectStrategy = (tried: number, cause: Error) =>
    isStarting && tried >= FIRST_ATTEMPTS ? cause : Math.min(2000, 50 * 2 ** tried);
  const store = await connected(createClient({ url, socket: { reconnectStrategy } }));
  isStarting = false;
  return store;
}

export async function redisCluster({ scheme, username, password, hosts }: StoreUrl): Promise<Store> {
  const [plain] = scheme.split("+");
  const { createCluster } = await nodeRedis();
  return connected(
    createCluster({
      rootNodes: hosts.map((host) => ({ url: `${plain}://${host}` })),
      defaults: {
        ...(username && { username }),
        ...(password && { password }),
        ...(plain === "rediss" && { socket: { tls: true } }),
      },
    }),
  );
}

async function connected(
  connection: NodeRedisClient & {
    on(event: "error", listener: () => void): unknown;
    connect(): Promise<unknown>;
    destroy(): void;
    close(): unknown;
  },
): Promise<Store> {
  connection.on("error", ignore);
  let isConnected = false;
  const connecting = connection.connect().then(() => (isConnected = true));
  const close = () => (isConnected ? connection.close() : connection.destroy());
  return opened(redisStore(connection), () => connecting, close);
}

/** Redis over HTTP, as offered by Upstash and compatible services. */
export async function upstash({ scheme, hosts, password: token }: StoreUrl): Promise<Store> {
  if (token === undefined) {
    throw new ConfigError(
      `A store at an "${scheme}:" URL is Redis over HTTP, as of Upstash, and needs its token as the password: https://:TOKEN@NAME.upstash.io. Turso is reached by libsql:.`,
    );
  }
  const Redis = await upstashRedis();
  const store = redisStore(
    new Redis({
      url: `${scheme}://${hosts[0]}`,
      token,
      automaticDeserialization: false,
      enableTelemetry: false,
      // The commit loop retries, since it can determine whether the first attempt was applied.
      retry: false,
    }),
  );
  return opened(
    store,
    () => store.read(NO_KEY),
    () => {},
  );
}
