import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Redis } from "ioredis";
import { listen } from "../adapters/listen.ts";

/** Speaks Upstash's REST protocol in front of a real Redis, as `@upstash/redis` expects it. */
export async function upstashProxy(redis: Redis): Promise<{ url: string; close(): Promise<unknown> }> {
  async function run([command, ...values]: string[]): Promise<object> {
    try {
      return { result: await redis.call(command!, ...values.map(String)) };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }
  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as string[] | string[][];
    const isEncoded = req.headers["upstash-encoding"] === "base64";
    const result =
      req.url === "/pipeline"
        ? await Promise.all((body as string[][]).map(run))
        : await run(body as string[]);
    const status = "error" in result ? 400 : 200;
    res.writeHead(status, { "Content-Type": "application/json" });
    res.end(JSON.stringify(isEncoded ? encoded(result) : result));
  }
  const server = await listen(createServer((req, res) => void answer(req, res)));
  return { url: `http://127.0.0.1:${server.port}`, close: () => server.close() };
}

/** Texts inside results travel in base64, but for OK. */
function encoded(value: unknown, isResult = false): unknown {
  if (typeof value === "string")
    return isResult && value !== "OK" ? Buffer.from(value).toString("base64") : value;
  if (Array.isArray(value)) return value.map((item) => encoded(item, isResult));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, encoded(item, isResult || key === "result")]),
  );
}
