// Runs the contract of stores on two handles of one Deno KV, in Deno, in the file that is named.
import assert from "node:assert/strict";
import { denoKvStore, type DenoKv } from "../../src/stores/deno-kv.ts";
import { printContract } from "./printed-contract.ts";

declare const Deno: { args: string[]; openKv(path: string): Promise<DenoKv & { close(): void }> };

const [first, second] = [await Deno.openKv(Deno.args[0]!), await Deno.openKv(Deno.args[0]!)];
await printContract(
  ({ clock }) => ({
    store: denoKvStore(first, { now: clock.now }),
    another: denoKvStore(second, { now: clock.now }),
  }),
  { scale: 0.01, maxBytes: 65_000 },
  {
    async "says that a record is too large"() {
      const write = { text: "é".repeat(40_000), commit: "A".repeat(16), lifetime: 60 };
      await assert.rejects(denoKvStore(first).insert("large", write), { reason: "too-large" });
    },
  },
);
first.close();
second.close();
