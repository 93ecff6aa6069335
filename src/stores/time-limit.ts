import type { StoreError } from "../errors.ts";
import { inTime } from "./in-time.ts";
import type { Change, NewSession, Rotation, SessionStore, Touch } from "./verbs.ts";

/** Options of {@link withTimeLimit}. */
export interface TimeLimitOptions {
  /** Seconds a verb may take, its retry included. Default 2. */
  readonly seconds?: number;
  /** Hears of each verb that failed, before its caller does. */
  readonly onFailure?: ((verb: string, error: StoreError) => void) | undefined;
}

const SECONDS = 2;

/**
 * The same store, where every verb answers or rejects in time. When a connection was dropped, verbs that may be applied
 * twice without harm are tried once more: all but `create`, and changes that depend on what is stored.
 *
 * A verb that ran out of time may or may not have been applied; the operation itself is not taken back.
 *
 * @throws StoreError "timeout" from every verb; every other error of the store is passed on as a `StoreError`.
 * @example
 * ```ts
 * import { memoryStore } from "hipflask/stores/memory";
 * import { withTimeLimit } from "hipflask/stores/time-limit";
 * const store = withTimeLimit(memoryStore(), { seconds: 2 });
 * ```
 */
export function withTimeLimit(
  store: SessionStore,
  { seconds = SECONDS, onFailure }: TimeLimitOptions = {},
): SessionStore {
  return new TimeLimitedStore(store, seconds, onFailure);
}

class TimeLimitedStore implements SessionStore {
  readonly #store: SessionStore;
  readonly #seconds: number;
  readonly #onFailure: TimeLimitOptions["onFailure"];

  constructor(store: SessionStore, seconds: number, onFailure: TimeLimitOptions["onFailure"]) {
    this.#store = store;
    this.#seconds = seconds;
    this.#onFailure = onFailure;
  }

  get traits() {
    return this.#store.traits;
  }

  create(session: NewSession) {
    return this.#limit("create", false, () => this.#store.create(session));
  }

  read(selector: string) {
    return this.#limit("read", true, () => this.#store.read(selector));
  }

  patch(selector: string, presented: string, change: Change) {
    return this.#limit("patch", isRepeatable(change), () => this.#store.patch(selector, presented, change));
  }

  touch(selector: string, presented: string, touch: Touch) {
    return this.#limit("touch", true, () => this.#store.touch(selector, presented, touch));
  }

  rotate(selector: string, presented: string, rotation: Rotation) {
    const repeatable = isRepeatable(rotation.change ?? {});
    return this.#limit("rotate", repeatable, () => this.#store.rotate(selector, presented, rotation));
  }

  destroy(selector: string) {
    return this.#limit("destroy", true, () => this.#store.destroy(selector));
  }

  list(owner: string) {
    return this.#limit("list", true, () => this.#store.list(owner));
  }

  destroyAll(owner: string, options?: { except?: string | undefined }) {
    return this.#limit("destroyAll", true, () => this.#store.destroyAll(owner, options));
  }

  deleteExpired(limit: number) {
    return this.#limit("deleteExpired", true, () => this.#store.deleteExpired(limit));
  }

  live(selectors: readonly string[]) {
    return this.#limit("live", true, () => this.#store.live(selectors));
  }

  async close() {
    await this.#store.close?.();
  }

  #limit<Result>(verb: string, repeatable: boolean, act: () => Promise<Result>): Promise<Result> {
    return inTime({ verb, seconds: this.#seconds, repeatable, act }).catch((error: StoreError) => {
      this.#onFailure?.(verb, error);
      throw error;
    });
  }
}

/** Writing the same texts twice is harmless; comparing them with what the first attempt wrote, or claiming, is not. */
function isRepeatable(change: Change): boolean {
  return !change.expect && !change.claim;
}
