import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A connection to somewhere that can be cut, held up and mended. */
export interface TcpProxy {
  readonly port: number;
  /** Cuts all connections; new ones are refused until `mend`. */
  cut(): void;
  /** Lets nothing through in either direction, without closing anything, until `mend`. */
  freeze(): void;
  /** Cuts all connections once the server has answered the nth request from now, 1 being the next, and before the answer arrives. */
  loseAnswer(nth: number): void;
  /** Answers that were lost so. */
  readonly lost: number;
  mend(): void;
  close(): Promise<void>;
}

export async function tcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<readonly [client: Socket, server: Socket]>();
  let mode: "open" | "cut" | "frozen" = "open";
  let untilLoss = Infinity;
  let lost = 0;

  const listener = createServer((client) => {
    if (mode === "cut") {
      client.destroy();
      return;
    }
    const server = connect(target);
    const pair = [client, server] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (mode === "frozen") return;
      if (--untilLoss === 0) {
        // The server has executed it by the time its answer arrives, which is not passed on.
        server.removeAllListeners("data");
        server.once("data", () => {
          lost++;
          cutAll();
        });
      }
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (mode !== "frozen") client.write(bytes);
    });
  });
  const cutAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");

  return {
    port: (listener.address() as AddressInfo).port,
    cut() {
      mode = "cut";
      cutAll();
    },
    freeze() {
      mode = "frozen";
    },
    loseAnswer(nth) {
      untilLoss = nth;
    },
    get lost() {
      return lost;
    },
    mend() {
      if (mode === "frozen") cutAll();
      mode = "open";
    },
    async close() {
      listener.close();
      cutAll();
    },
  };
}
