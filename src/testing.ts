export { testClock, type TestClock } from "./testing/clock.ts";
export {
  storeContract,
  type StoreCapabilities,
  type StoreFactory,
  type StoreTools,
  type StoreUnderTest,
  type TestRunner,
} from "./testing/store-contract.ts";
