import assert from "node:assert/strict";
import { StoreError } from "../../errors.ts";
import { newToken } from "../../stores/token.ts";
import { withTimeLimit } from "../../stores/time-limit.ts";
import { fieldsOf, HOUR, type Kit, recordOf } from "./kit.ts";

export function failure(kit: Kit): void {
  if (!kit.capabilities.stops) return;

  kit.it(
    "SEC-34: an engine that cannot be asked is an error, never an answer, and needs no restart",
    async () => {
      const { store, outage } = await kit.open();
      assert.ok(outage, "a factory whose store stops gives `outage`");
      const { selector, verifierHash } = await kit.session(store, { fields: fieldsOf({ user: '"ada"' }) });
      await outage.begin();
      // Drivers may wait for the engine to come back; a time limit is what applications put around a store.
      const limited = withTimeLimit(store, { seconds: 1 });
      await assert.rejects(limited.read(selector), unavailable);
      await assert.rejects(
        limited.patch(selector, verifierHash, { set: fieldsOf({ a: "1" }), claim: null }),
        unavailable,
      );
      await assert.rejects(limited.create({ ...newToken(), fields: new Map(), expiry: HOUR }), unavailable);
      await outage.end();
      assert.equal((await recordOf(store, selector)).fields.get("user"), '"ada"');
      const write = await store.patch(selector, verifierHash, { set: fieldsOf({ b: "2" }) });
      assert.equal(write.status, "ok");
    },
  );
}

function unavailable(error: unknown): boolean {
  return error instanceof StoreError && (error.reason === "unavailable" || error.reason === "timeout");
}
