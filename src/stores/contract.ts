/**
 * For authors of stores: the contract, and the removal of expired records. The tests that a store has to pass are in
 * `hipflask/testing`, and the errors in `hipflask`.
 *
 * @module hipflask/stores/contract
 */
export type { Replaced, Store, Stored, Write } from "./parts/store.ts";
export { startSweep, sweepOnce, type Sweep, type Sweepable, type SweepOptions } from "./parts/sweep.ts";
