// Runs the contract of stores in a runtime without vitest, and prints a line for each test.
import {
  storeContract,
  type StoreCapabilities,
  type StoreFactory,
} from "../../src/testing/store-contract.ts";

type Body = () => Promise<void> | void;

/** @param more further tests, by name */
export async function printContract(
  factory: StoreFactory,
  capabilities: StoreCapabilities,
  more: Readonly<Record<string, Body>> = {},
): Promise<void> {
  const tests: Array<[name: string, body: Body]> = [];
  const it = (name: string, body: Body) => void tests.push([name, body]);
  storeContract({ describe: (_, body) => body(), it }, factory, capabilities);
  for (const [name, body] of [...Object.entries(more), ...tests]) {
    try {
      await body();
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${String(error).replaceAll("\n", " ")}`);
    }
  }
}
