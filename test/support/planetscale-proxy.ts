import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createPool, type FieldPacket, type ResultSetHeader } from "mysql2/promise";
import { listen } from "../adapters/listen.ts";

/** MySQL's numbers of its types, by the names that Vitess gives them; all others are text here. */
const NUMBERS: Readonly<Record<number, string>> = { 3: "INT32", 8: "INT64" };

/**
 * Speaks PlanetScale's protocol in front of a real MariaDB or MySQL, as `@planetscale/database` expects it: a statement for each
 * request, with its values in its text, and rows as lengths beside one base64 text.
 */
export async function planetscaleProxy(url: string): Promise<{ url: string; close(): Promise<void> }> {
  const pool = createPool(url);

  async function execute(query: string): Promise<object> {
    const asBytes = (field: { buffer(): Buffer | null }) => field.buffer();
    const [result, fields] = await pool.query({ sql: query, rowsAsArray: true, typeCast: asBytes as never });
    if (!Array.isArray(result)) {
      const { affectedRows, insertId } = result as ResultSetHeader;
      return { rowsAffected: String(affectedRows), insertId: String(insertId) };
    }
    return {
      fields: fields.map(({ name, columnType, charsetNr }: FieldPacket & { charsetNr?: number }) => ({
        name,
        type: NUMBERS[columnType ?? 0] ?? "VARCHAR",
        charset: charsetNr,
      })),
      rows: (result as unknown as Array<Array<Buffer | null>>).map((row) => ({
        lengths: row.map((value) => String(value?.length ?? -1)),
        values: Buffer.concat(row.filter((value) => value !== null)).toString("base64"),
      })),
    };
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { query } = JSON.parse(Buffer.concat(chunks).toString()) as { query: string };
    let answered: object;
    try {
      answered = { session: {}, result: await execute(query) };
    } catch (error) {
      const { message, errno, sqlState } = error as Error & { errno?: number; sqlState?: string };
      // In the words of Vitess.
      const said = `target: app.-.primary: vttablet: rpc error: ${message} (errno ${errno}) (sqlstate ${sqlState})`;
      answered = { session: {}, error: { message: said, code: "UNKNOWN" } };
    }
    res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answered));
  }

  const server = await listen(createServer((req, res) => void answer(req, res)));
  return {
    url: `http://user:password@127.0.0.1:${server.port}/`,
    async close() {
      await server.close();
      await pool.end();
    },
  };
}
