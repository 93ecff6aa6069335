import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { durableObjectStore, type ObjectNamespace } from "../../src/stores/durable-object.ts";
import { workersKvStore, type WorkersKv } from "../../src/stores/workers-kv.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { fullScale } from "./service.ts";

const { skip, note, require } = databases();

interface Miniflare {
  getDurableObjectNamespace(name: string): Promise<ObjectNamespace>;
  getKVNamespace(name: string): Promise<WorkersKv>;
  dispose(): Promise<void>;
}

describe.skipIf(skip)(`stores of Cloudflare's workers, in workerd${note}`, () => {
  let miniflare: Miniflare;

  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, "../../src/stores/durable-object/object.ts")],
      bundle: true,
      format: "esm",
      write: false,
    });
    const { Miniflare } = require("miniflare");
    miniflare = new Miniflare({
      modules: true,
      script: `${outputFiles[0]!.text}\nexport default { fetch: () => new Response() };`,
      compatibilityDate: "2025-09-01",
      durableObjects: { SESSIONS: { className: "HipflaskSession", useSQLite: true } },
      kvNamespaces: ["KV"],
    });
  });
  afterAll(() => miniflare.dispose());

  describe("durableObjectStore", () => {
    storeContract(
      { describe, it },
      async () => {
        const namespace = await miniflare.getDurableObjectNamespace("SESSIONS");
        return { store: durableObjectStore(namespace), another: durableObjectStore(namespace) };
      },
      { scale: fullScale / 5, movesTime: false },
    );

    it("treats a record as gone from the moment in which it expires", async () => {
      const store = durableObjectStore(await miniflare.getDurableObjectNamespace("SESSIONS"));
      const commit = "A".repeat(16);
      await store.insert("short", { text: "1", commit, lifetime: 0.05 });
      await expect.poll(() => store.read("short")).toBeUndefined();
      expect(await store.replace("short", commit, { text: "2", commit, lifetime: 60 })).toEqual({
        status: "gone",
      });
      expect(await store.insert("short", { text: "3", commit, lifetime: 60 })).toBe(true);
    });
  });

  describe("workersKvStore", () => {
    storeContract(
      { describe, it },
      async () => ({ store: workersKvStore(await miniflare.getKVNamespace("KV")) }),
      { scale: fullScale / 5, movesTime: false, atomic: false },
    );

    it("says that it is not atomic", async () => {
      expect(workersKvStore(await miniflare.getKVNamespace("KV")).atomic).toBe(false);
    });
  });
});
