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
 * Tests every guarantee of `Store`, for authors of stores. Tests are named after the requirement they check.
 *
 * The store is created once and used by all tests, each with its own records, so it may contain other records. Races run in
 * seeded rounds; the seed is in the title, and `scale: 1` runs the published number of rounds.
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
    runner.it("closes its connections", async () => {
      const { store, another, close } = await kit.open();
      await store.close?.();
      if (another !== store) await another.close?.();
      await close?.();
    });
  });
}
