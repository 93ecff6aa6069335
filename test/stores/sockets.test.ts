import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { sessions as nodeSessions } from "../../src/adapters/node.ts";
import { sessions as socketSessions } from "../../src/adapters/socket.ts";
import { session, SessionManager } from "../../src/index.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { listen, type Listening } from "../adapters/listen.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { engines } from "./engines.ts";

const ROUNDS = 5;

/** One of several servers over one store: pages, an event stream and sockets. */
async function startNode(store: Store): Promise<Listening & { manager: SessionManager }> {
  const manager = new SessionManager({ secretKey: "nodes", store, storeOptions: { sweepEvery: 0 } });
  const sockets = socketSessions(manager);
  const wss = new WebSocketServer({ noServer: true });
  const server = createServer(
    nodeSessions(manager)((req, res) => {
      if (req.url === "/login") session.owner = "ada";
      if (req.url !== "/events") return res.end();
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      res.write("data: hello\n\n");
      res.on(
        "close",
        manager.onDestroyed(session, () => res.end("data: bye\n\n")),
      );
    }),
  );
  server.on("upgrade", async (req, socket, head) => {
    const theirs = await sockets.fromRequest(req);
    wss.handleUpgrade(req, socket, head, (ws) => {
      ws.on(
        "close",
        theirs.onDestroyed(() => ws.close(4401)),
      );
    });
  });
  const { port, close } = await listen(server);
  return {
    manager,
    port,
    async close() {
      for (const client of wss.clients) client.terminate();
      await manager.close();
      await close();
    },
  };
}

for (const { name, skip, open } of engines) {
  describe.skipIf(skip)(`sessions over two servers and one store: ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    let a: Awaited<ReturnType<typeof startNode>>;
    let b: Awaited<ReturnType<typeof startNode>>;

    beforeAll(async () => {
      opened = await open();
      [a, b] = [await startNode(opened.store), await startNode(opened.store)];
    });

    afterAll(async () => {
      for (const node of [a, b]) await node.close();
      await opened.close();
    });

    it("close the socket and the event stream on one within a second of a logout on the other", async () => {
      const delays: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const ada = new PlainVisitor(`http://127.0.0.1:${a.port}`);
        await ada.get("/login");
        const headers = { Cookie: `session=${ada.cookies.get("session")}` };
        const socket = new WebSocket(`ws://127.0.0.1:${b.port}`, { headers });
        const isOpen = once(socket, "open");
        const stream = await fetch(`http://127.0.0.1:${b.port}/events`, { headers });
        await isOpen;
        const since = performance.now();
        const ends = Promise.all([once(socket, "close"), stream.text()]);
        expect(await a.manager.destroyAll("ada")).toBe(1);
        const [[code], text] = await ends;
        delays.push(performance.now() - since);
        expect([code, text]).toEqual([4401, "data: hello\n\ndata: bye\n\n"]);
      }
      // The middle one: a machine may be busy with something else for a moment.
      expect(delays.toSorted((x, y) => x - y)[Math.floor(ROUNDS / 2)]).toBeLessThan(1000);
    });
  });
}
