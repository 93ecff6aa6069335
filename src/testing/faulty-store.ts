import { StoreError } from "../errors.ts";
import type { Store } from "../stores/parts/store.ts";

/** A step of a store that can be made to fail. */
export type StoreStep = Exclude<keyof Store, "name" | "atomic" | "close">;

/**
 * How a step fails: it rejects with a `StoreError` (`"rejects"`), throws like a defective driver (`"throws"`), never
 * settles (`"hangs"`), or is applied and then rejects (`"lost-answer"`).
 */
export type StoreFault = "rejects" | "throws" | "hangs" | "lost-answer";

/** A store that fails on demand. */
export interface FaultyStore extends Store {
  /**
   * Makes steps fail until {@link recover}.
   *
   * @param step one step, or `"all"`
   * @param fault default `"rejects"`
   */
  fail(step: StoreStep | "all", fault?: StoreFault): void;
  /** Makes steps work again. Default: all. */
  recover(step?: StoreStep): void;
}

const STEPS: ReadonlySet<StoreStep> = new Set<StoreStep>([
  "read",
  "insert",
  "replace",
  "remove",
  "readMany",
  "removeExpired",
  "now",
  "migrate",
]);

/**
 * Wraps a store so that it fails on demand, to test the responses during a failure, and that no acknowledged write is lost.
 *
 * @example
 * ```ts
 * import { session, SessionManager } from "hipflask";
 * import { sessions } from "hipflask/fetch";
 * import { memoryStore } from "hipflask/stores/memory";
 * import { faultyStore } from "hipflask/testing";
 *
 * const store = faultyStore(memoryStore());
 * const manager = new SessionManager({ store, storeOptions: { sweepEvery: 0 } });
 * const app = sessions(manager, { onError: () => {} })(() => {
 *   session.visits = (session.visits ?? 0) + 1;
 *   return new Response("counted");
 * });
 * store.fail("insert");
 * console.log((await app(new Request("http://localhost/"))).status); // 503
 * store.recover();
 * console.log((await app(new Request("http://localhost/"))).status); // 200
 * ```
 */
export function faultyStore(store: Store): FaultyStore {
  const faults = new Map<string, StoreFault>();
  const controls: Pick<FaultyStore, "fail" | "recover"> = {
    fail(step, fault = "rejects") {
      for (const name of step === "all" ? STEPS : [step]) faults.set(name, fault);
    },
    recover(step) {
      if (step === undefined) faults.clear();
      else faults.delete(step);
    },
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === "fail" || name === "recover") return controls[name];
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]) =>
        failing(faults.get(String(name)), () =>
          (value as (...given: unknown[]) => unknown).apply(target, args),
        );
    },
  }) as FaultyStore;
}

function failing(fault: StoreFault | undefined, work: () => unknown): unknown {
  switch (fault) {
    case undefined:
      return work();
    case "throws":
      throw new TypeError("a driver's defect, on demand");
    case "hangs":
      return new Promise(() => {});
    case "rejects":
      return Promise.reject(new StoreError("unavailable", "The store fails on demand."));
    case "lost-answer":
      return Promise.resolve(work()).then(() => {
        throw new StoreError("timeout", "The store fails on demand, after its work.");
      });
  }
}
