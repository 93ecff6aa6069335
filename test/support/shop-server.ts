import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { createAdaptorServer } from "@hono/node-server";
import type { Store } from "../../src/stores/parts/store.ts";
import { createShop } from "../../examples/shop/app.ts";
import { Till } from "../../examples/shop/till.ts";

export interface ShopServer {
  readonly url: string;
  readonly till: Till;
  /** How many connections were made so far. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** The demo shop on a free port of this machine, its sessions in cookies unless there is a store. */
export async function startShop(store?: Store): Promise<ShopServer> {
  const till = new Till();
  const { fetch } = createShop(
    { secretKey: "a key for tests", store, storeOptions: { sweepEvery: 0, storeTimeout: 30 } },
    till,
  );
  const server = createAdaptorServer({ fetch }) as Server;
  let connections = 0;
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    till,
    connections: () => connections,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
