import { has, refusal } from "./parts/clients.ts";
import { systemClock } from "../itsdangerous/system-clock.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { valueWithExpiry, millisecondsOf, OK, conditionFailed, unexpired } from "./parts/values.ts";

/** What we call of a binding to a Workers KV namespace. */
export interface WorkersKv {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Workers KV takes no shorter lifetime, in seconds. */
const SHORTEST_LIFETIME = 60;

/**
 * Sessions in Cloudflare's Workers KV, **without the guarantees of the other stores**: KV has no conditional write, and shows a
 * write elsewhere up to a minute later. Of parallel writes one is lost, and a session that ended can be seen a while longer. So the
 * store says `atomic: false`, and sessions with an owner are refused unless `allowNonAtomicStore` is set. For anonymous preferences
 * it is fine; for logins take `durableObjectStore`, or D1 with `sqlStore`.
 *
 * @throws ConfigError for something else than a namespace
 * @example
 * ```ts no-check
 * import { workersKvStore } from "hipflask/stores/workers-kv";
 * const store = workersKvStore(env.SESSIONS);
 * ```
 */
export function workersKvStore(namespace: WorkersKv): Store {
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

  /** The exact deadline stands in the value: KV counts whole seconds, and no fewer than sixty. */
  #put(key: string, write: Write): Promise<void> {
    const until = systemClock() + millisecondsOf(write.lifetime);
    const expirationTtl = Math.max(SHORTEST_LIFETIME, Math.ceil(write.lifetime));
    return this.#namespace.put(key, valueWithExpiry(write, until), { expirationTtl });
  }
}
