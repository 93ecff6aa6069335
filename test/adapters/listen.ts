import type { ServerType } from "@hono/node-server";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** A server that listens. */
export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a server on a free port of the loopback interface. */
export async function listen(server: ServerType): Promise<Listening> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      if ("closeAllConnections" in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
