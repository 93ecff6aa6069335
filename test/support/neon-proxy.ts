import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Pool } from "pg";
import { createWebSocketStream, WebSocketServer } from "ws";

/** Values as PostgreSQL sends them. */
const RAW = { getTypeParser: () => (value: string) => value };

/**
 * Speaks Neon's two protocols in front of a real PostgreSQL, as `@neondatabase/serverless` expects them: a statement for each
 * request to `/sql`, and PostgreSQL's own protocol inside a WebSocket.
 */
export async function neonProxy(url: string): Promise<{ host: string; close(): Promise<void> }> {
  const target = new URL(url);
  const pools = new Map<string, Pool>();

  /** Neon connects with the URL that the client sends. */
  function poolOf(given: string): Pool {
    const wanted = new URL(given);
    [wanted.hostname, wanted.port] = [target.hostname, target.port];
    const pool = pools.get(wanted.href) ?? new Pool({ connectionString: wanted.href });
    pools.set(wanted.href, pool);
    return pool;
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { query, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
      query: string;
      params: unknown[];
    };
    const send = (status: number, body: object) =>
      void res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    try {
      const pool = poolOf(String(req.headers["neon-connection-string"]));
      const result = await pool.query({ text: query, values: params, rowMode: "array", types: RAW });
      const { command, rowCount, rows } = result;
      const fields = result.fields.map(({ name, dataTypeID }) => ({ name, dataTypeID }));
      send(200, { command, rowCount, rows, fields, rowAsArray: true });
    } catch (error) {
      const { message, code, severity } = error as Error & { code?: string; severity?: string };
      send(400, { message, code, severity });
    }
  }

  const server = createServer((req, res) => void answer(req, res));
  new WebSocketServer({ server }).on("connection", (socket) => {
    const database = connect(Number(target.port || 5432), target.hostname);
    const stream = createWebSocketStream(socket);
    stream.pipe(database).pipe(stream);
    for (const end of [stream, database]) end.on("error", () => socket.terminate());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const pool of pools.values()) await pool.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
