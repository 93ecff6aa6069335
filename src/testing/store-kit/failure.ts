import assert from "node:assert/strict";
import { type Kit, newId, write } from "./kit.ts";
import { known } from "./steps.ts";

/** Milliseconds after which a driver that waits for its engine counts as failed. */
const PATIENCE = 1000;

export function failure(kit: Kit): void {
  if (kit.capabilities.stops) {
    kit.it(
      "SEC-34: every step rejects while the engine is unavailable, and works again afterwards",
      async () => {
        const { store, outage } = await kit.open();
        assert.ok(outage, "with the capability `stops`, the factory must return `outage`");
        const { key, commit } = await kit.record(store, "mine");
        const kept = write("kept");
        await outage.begin();
        const steps = [
          () => store.read(key),
          () => store.insert(newId(), write("new")),
          () => store.replace(key, commit, kept),
          () => store.remove(newId()),
        ];
        try {
          for (const step of steps) assert.equal(await fate(step), "failed");
        } finally {
          await outage.end();
        }
        // A driver may have queued the replace and sent it after reconnecting.
        const found = await eventually(() => store.read(key));
        const isKept = found?.commit === kept.commit;
        assert.deepEqual(known(found), isKept ? ["kept", kept.commit] : ["mine", commit]);
        assert.deepEqual(await store.replace(key, found!.commit, write("next")), { status: "ok" });
      },
    );
  }

  if (!kit.capabilities.corrupts) return;

  kit.it(
    "SEC-37: a record that cannot be decoded causes no error, and is kept until it is removed",
    async () => {
      const { store, corrupt, dump } = await kit.open();
      assert.ok(corrupt, "with the capability `corrupts`, the factory must return `corrupt`");
      const { key, commit } = await kit.record(store, "mine");
      await corrupt(key);
      const before = await dump?.(key);
      const found = await store.read(key);
      assert.notDeepEqual(known(found), ["mine", commit]);
      assert.equal(await store.insert(key, write("theirs")), false);
      assert.notEqual((await store.replace(key, newId(), write("theirs"))).status, "ok");
      assert.equal(await dump?.(key), before);
      assert.deepEqual(await store.remove(key), { status: "ok" });
      assert.equal(await store.read(key), undefined);
    },
  );
}

/** Drivers may queue a command until the engine is available; for its caller, it has failed. */
async function fate(step: () => Promise<unknown>): Promise<"answered" | "failed"> {
  let timer: NodeJS.Timeout;
  const late = new Promise<"failed">((resolve) => (timer = setTimeout(resolve, PATIENCE, "failed")));
  const answer = step().then(
    () => "answered" as const,
    () => "failed" as const,
  );
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** A client may need time to reconnect. */
async function eventually<Result>(step: () => Promise<Result>): Promise<Result> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await step();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return step();
}
