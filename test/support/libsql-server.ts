import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import Libsql from "libsql";
import { listen } from "../adapters/listen.ts";

interface HranaValue {
  readonly type: "null" | "integer" | "float" | "text";
  readonly value?: string | number;
}

interface HranaRequest {
  readonly type: string;
  readonly stmt?: { readonly sql: string; readonly args?: readonly HranaValue[] };
}

/**
 * Speaks the protocol of libSQL's servers (Hrana 2 over HTTP: one statement for each request) in front of a real SQLite, as
 * `@libsql/client` expects it of Turso.
 *
 * @param token what a request must carry; none: any
 */
export async function libsqlServer(token?: string): Promise<{ port: number; close(): Promise<void> }> {
  const db = new Libsql(":memory:");

  function execute({ sql, args = [] }: NonNullable<HranaRequest["stmt"]>): object {
    const values = args.map(({ type, value }) => (type === "integer" ? BigInt(value!) : (value ?? null)));
    const statement = db.prepare(sql);
    if (!statement.reader) {
      const { changes, lastInsertRowid } = statement.run(...values);
      return {
        cols: [],
        rows: [],
        affected_row_count: changes,
        last_insert_rowid: String(lastInsertRowid),
      };
    }
    const cols = statement.columns().map(({ name }) => ({ name }));
    const rows = statement.raw(true).all(...values) as unknown[][];
    return {
      cols,
      rows: rows.map((row) => row.map(hranaOf)),
      affected_row_count: 0,
      last_insert_rowid: null,
    };
  }

  function run({ type, stmt }: HranaRequest): object {
    try {
      const result = type === "execute" ? { result: execute(stmt!) } : {};
      return { type: "ok", response: { type, ...result } };
    } catch (error) {
      const { message, code } = error as Error & { code?: string };
      return { type: "error", error: { message: `SQLite error: ${message}`, code } };
    }
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const isKnown = token === undefined || req.headers.authorization === `Bearer ${token}`;
    if (!isKnown) return void res.writeHead(401).end("{}");
    // A client asks first for protocols that are newer than this one.
    if (req.url !== "/v2/pipeline") return void res.writeHead(404).end();
    const { requests } = JSON.parse(Buffer.concat(chunks).toString()) as { requests: HranaRequest[] };
    res.writeHead(200, { "Content-Type": "application/json" });
    res.end(JSON.stringify({ baton: null, base_url: null, results: requests.map(run) }));
  }

  const server = await listen(createServer((req, res) => void answer(req, res)));
  return {
    port: server.port,
    async close() {
      await server.close();
      db.close();
    },
  };
}

function hranaOf(value: unknown): HranaValue {
  if (value === null) return { type: "null" };
  if (typeof value === "string") return { type: "text", value };
  return Number.isInteger(value) || typeof value === "bigint"
    ? { type: "integer", value: String(value) }
    : { type: "float", value: Number(value) };
}
