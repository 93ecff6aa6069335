import { checkCount } from "../check-options.ts";
import { has, refusal } from "./parts/clients.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { valueWithExpiry, OK, conditionFailed, unexpired } from "./parts/values.ts";

/** The methods used of the binding of a Workers KV namespace. */
export interface WorkersKv {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Minimum lifetime in Workers KV, in seconds. */
const SHORTEST_LIFETIME = 60;

/**
 * Keeps sessions in Cloudflare's Workers KV, **without the guarantees of the other stores**: KV has no conditional writes, and
 * writes take up to a minute to be visible in other locations. Parallel writes may be lost, and a session that ended may
 * still be read for a while. The store is therefore `atomic: false`, and sessions with an owner are refused unless
 * `allowNonAtomicStore` is set. Use it for preferences of anonymous visitors; for logins, use `durableObjectStore`, or D1
 * with `sqlStore`.
 *
 * @throws ConfigError for anything that is not a namespace
 * @example
 * ```ts no-check
 * import { workersKvStore } from "hipflask/stores/workers-kv";
 * const store = workersKvStore(env.SESSIONS);
 * ```
 */
export function workersKvStore(namespace: WorkersKv): Store {
  checkCount("workersKvStore", arguments, 1, "it has no options");
  if (
    typeof namespace?.put !== "function" ||
    typeof namespace.get !== "function" ||
    has(namespace, "batchGet")
  ) {
    throw refusal(
      "workersKvStore",
      "the binding of a KV namespace, as in workersKvStore(env.SESSIONS)",
      namespace,
    );
  }
  return new WorkersKvStore(namespace);
}

class WorkersKvStore implements Store {
  readonly name = "Workers KV";
  readonly atomic = false;
  readonly #namespace: WorkersKv;

  constructor(namespace: WorkersKv) {
    this.#namespace = namespace;
  }

  now(): number {
    return systemClock();
  }

  async read(key: string): Promise<Stored | undefined> {
    const value = await this.#namespace.get(key);
    return value === null ? undefined : unexpired(value, systemClock());
  }

  async insert(key: string, write: Write): Promise<boolean> {
    if ((await this.read(key)) !== undefined) return false;
    await this.#put(key, write);
    return true;
  }

  replace(key: string, expected: string, write: Write): Promise<Replaced> {
    return this.#change(key, expected, () => this.#put(key, write));
  }

  remove(key: string, expected?: string): Promise<Replaced> {
    return this.#change(key, expected, () => this.#namespace.delete(key));
  }

  async #change(key: string, expected: string | undefined, change: () => Promise<void>): Promise<Replaced> {
    const current = await this.read(key);
    if (current === undefined || (expected !== undefined && current.commit !== expected))
      return conditionFailed(current);
    await change();
    return OK;
  }

  /** KV expires in whole seconds, and after 60 at the earliest, so the value contains the exact expiry. */
  #put(key: string, write: Write): Promise<void> {
    const until = systemClock() + Math.ceil(write.lifetime * 1000);
    const expirationTtl = Math.max(SHORTEST_LIFETIME, Math.ceil(write.lifetime));
    return this.#namespace.put(key, valueWithExpiry(write, until), { expirationTtl });
  }
}
