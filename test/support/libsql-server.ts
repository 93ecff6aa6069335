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

interface HranaResult {
  readonly cols: readonly object[];
  readonly rows: readonly HranaValue[][];
  readonly affected_row_count: number;
  readonly last_insert_rowid: string | null;
}

/**
 * Speaks the protocol of libSQL's servers in front of a real SQLite, as `@libsql/client` (Hrana 2 over HTTP, one statement for
 * each request) and `@tursodatabase/serverless` (cursors of Hrana 3) expect it of Turso.
 *
 * @param token what a request must carry; none: any
 */
export async function libsqlServer(token?: string): Promise<{ port: number; close(): Promise<void> }> {
  const db = new Libsql(":memory:");

  function execute({ sql, args = [] }: NonNullable<HranaRequest["stmt"]>): HranaResult {
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
    if (type === "get_autocommit") return { type: "ok", response: { type, is_autocommit: true } };
    try {
      const result = type === "execute" ? { result: execute(stmt!) } : {};
      return { type: "ok", response: { type, ...result } };
    } catch (error) {
      const { message, code } = error as Error & { code?: string };
      return { type: "error", error: { message: `SQLite error: ${message}`, code } };
    }
  }

  /** What a cursor yields for a statement. */
  function entriesOf(stmt: NonNullable<HranaRequest["stmt"]>, step: number): object[] {
    try {
      const { cols, rows, ...end } = execute(stmt);
      const entries = rows.map((row) => ({ type: "row", row }));
      return [{ type: "step_begin", step, cols }, ...entries, { type: "step_end", ...end }];
    } catch (error) {
      return [{ type: "step_error", step, error: { message: (error as Error).message } }];
    }
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const isKnown = token === undefined || req.headers.authorization === `Bearer ${token}`;
    if (!isKnown) return void res.writeHead(401).end("{}");
    // A client asks first for protocols that are newer than this one.
    if (!["/v2/pipeline", "/v3/pipeline", "/v3/cursor"].includes(req.url!))
      return void res.writeHead(404).end();
    const { requests = [], batch } = JSON.parse(Buffer.concat(chunks).toString()) as {
      requests?: HranaRequest[];
      batch?: { steps: Array<Required<Pick<HranaRequest, "stmt">>> };
    };
    res.writeHead(200, { "Content-Type": "application/json" });
    const head = { baton: null, base_url: null };
    if (batch === undefined) return void res.end(JSON.stringify({ ...head, results: requests.map(run) }));
    const entries = batch.steps.flatMap(({ stmt }, step) => entriesOf(stmt, step));
    res.end([head, ...entries].map((line) => `${JSON.stringify(line)}\n`).join(""));
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
