import { failure } from "./store-kit/failure.ts";
import { createKit, type StoreCapabilities, type StoreFactory, type TestRunner } from "./store-kit/kit.ts";
import { lifetime } from "./store-kit/lifetime.ts";
import { races } from "./store-kit/races.ts";
import { steps } from "./store-kit/steps.ts";

export type {
  StoreCapabilities,
  StoreFactory,
  StoreTools,
  StoreUnderTest,
  TestRunner,
} from "./store-kit/kit.ts";

/**
 * Every promise of `Store` as a test, for authors of stores. Tests are named after the requirement they show.
 *
 * The store is built once and used by all tests, each with records of its own, so it may hold other records too. Races
 * run in seeded rounds; the seed is in the title, `scale: 1` gives the published figures.
 *
 * @example
 * ```ts
 * import { describe, it } from "node:test";
 * import { storeContract } from "hipflask/testing";
 * import { memoryStore } from "hipflask/stores/memory";
 *
 * storeContract({ describe, it }, ({ clock }) => ({ store: memoryStore({ now: clock.now }) }), { scale: 0.01 });
 * ```
 */
export function storeContract(
  runner: TestRunner,
  factory: StoreFactory,
  capabilities: StoreCapabilities = {},
): void {
  const kit = createKit(runner, factory, capabilities);
  const { seed, scale } = kit.capabilities;
  runner.describe(`Store contract (seed ${seed}, scale ${scale})`, () => {
    steps(kit);
    races(kit);
    lifetime(kit);
    failure(kit);
    runner.it("closes what it opened", async () => {
      const { store, another, close } = await kit.open();
      await store.close?.();
      if (another !== store) await another.close?.();
      await close?.();
    });
  });
}
