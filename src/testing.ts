export { testClock, type TestClock } from "./testing/clock.ts";
export type { CookieJar } from "./testing/cookie-jar.ts";
export { faultyStore, type FaultyStore, type StoreFault, type StoreStep } from "./testing/faulty-store.ts";
export { sessionTransaction, type SessionTransactionOptions } from "./testing/session-transaction.ts";
export {
  testClient,
  type TestClient,
  type TestClientOptions,
  type TestedApp,
} from "./testing/test-client.ts";
export {
  storeContract,
  type StoreCapabilities,
  type StoreFactory,
  type StoreTools,
  type StoreUnderTest,
  type TestRunner,
} from "./testing/store-contract.ts";
