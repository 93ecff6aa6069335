// Runs the contract of stores on Deno KV, in Deno, and prints a line for each test.
import assert from "node:assert/strict";
import { denoKvStore, type DenoKv } from "../../src/stores/deno-kv.ts";
import { storeContract } from "../../src/testing/store-contract.ts";

declare const Deno: { openKv(path: string): Promise<DenoKv & { close(): void }> };

const tests: Array<{ name: string; body: () => Promise<void> }> = [];
const runner = {
  describe: (_: string, body: () => void) => body(),
  it: (name: string, body: () => Promise<void>) => void tests.push({ name, body }),
};
const kv = await Deno.openKv(":memory:");
storeContract(
  runner,
  ({ clock }) => ({
    store: denoKvStore(kv, { now: clock.now }),
    another: denoKvStore(kv, { now: clock.now }),
  }),
  { scale: 0.01, maxBytes: 65_000 },
);
runner.it("says that a record is too large", async () => {
  const write = { text: "é".repeat(40_000), commit: "A".repeat(16), lifetime: 60 };
  await assert.rejects(denoKvStore(kv).insert("large", write), { reason: "too-large" });
});
for (const { name, body } of tests) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}: ${String(error).replaceAll("\n", " ")}`);
  }
}
kv.close();
