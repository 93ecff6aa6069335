import { join } from "node:path";
import { build } from "esbuild";
import type { ObjectNamespace } from "../../src/stores/durable-object.ts";
import type { D1Handle } from "../../src/stores/sql/handles.ts";
import { databases } from "./databases.ts";

const WORKER = `
export default {
  async fetch(request, { DB, SESSIONS }) {
    const { pathname } = new URL(request.url);
    if (pathname === "/d1") {
      const { text, values } = await request.json();
      const result = await DB.prepare(text).bind(...values).run().catch(({ message }) => ({ message }));
      return Response.json(result);
    }
    const name = decodeURIComponent(pathname.slice(1));
    return SESSIONS.get(SESSIONS.idFromName(name)).fetch("https://session/", { method: "POST", body: request.body });
  },
};`;

/**
 * A worker with a D1 database and a namespace of Durable Objects. The bindings themselves are used inside it, where an app has
 * them: what miniflare hands out blocks this process at each call.
 */
export async function workerd() {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "../../src/stores/durable-object/object.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  const { Miniflare } = databases().require("miniflare");
  const miniflare = new Miniflare({
    modules: true,
    script: `${outputFiles[0]!.text}\n${WORKER}`,
    compatibilityDate: "2025-09-01",
    d1Databases: ["DB"],
    durableObjects: { SESSIONS: { className: "HipflaskSession", useSQLite: true } },
  });
  const post = (path: string, body: string) =>
    miniflare.dispatchFetch(`http://worker/${path}`, { method: "POST", body });

  return {
    d1: (): D1Handle => ({
      prepare: (text) => ({
        bind: (...values) => ({
          async run() {
            const result = await (await post("d1", JSON.stringify({ text, values }))).json();
            if (result.message !== undefined) throw new Error(result.message);
            return result;
          },
        }),
      }),
      batch: () => Promise.reject(new Error("no store needs it")),
    }),
    objects: (): ObjectNamespace => ({
      idFromName: encodeURIComponent,
      get: (id: string) => ({ fetch: (_, { body }) => post(id, body) }),
    }),
    close: (): Promise<void> => miniflare.dispose(),
  };
}
