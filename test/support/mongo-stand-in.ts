import { createServer, type Socket } from "node:net";
import { databases } from "./databases.ts";

type Document = Record<string, unknown>;

/** What the driver's own BSON package offers. */
interface Bson {
  serialize(document: Document): Uint8Array;
  deserialize(bytes: Uint8Array): Document;
}

const OP_MSG = 2013;
/** The older form of a message, in which a driver greets a server that it does not know yet, and of the answer to it. */
const OP_QUERY = 2004;
const OP_REPLY = 1;
const HEADER = 16;

/**
 * Stands in for a MongoDB server, which cannot be had as a package: speaks its wire protocol (OP_MSG) to the real driver, keeps
 * documents in memory, and knows the few operators that the store uses. Each command is one step, as in MongoDB, where
 * changes of one document are atomic.
 */
export async function mongoStandIn(now: () => number): Promise<{ port: number; close(): Promise<void> }> {
  const { require } = databases();
  const bson = require("bson") as Bson;
  const collections = new Map<string, Map<unknown, Document>>();
  const sockets = new Set<Socket>();

  function answer(command: Document): Document {
    const [name = "", target] = Object.entries(command)[0] ?? [];
    const documents = collections.get(String(target)) ?? new Map<unknown, Document>();
    collections.set(String(target), documents);
    const time = new Date(now());
    switch (name) {
      case "find": {
        const found = [...documents.values()].filter((one) =>
          matches(one, command["filter"] as Document, time),
        );
        const limited = found.slice(0, Number(command["limit"] ?? 0) || undefined);
        const firstBatch = limited.map((one) =>
          projected(one, command["projection"] as Document | undefined, time),
        );
        return { ok: 1, cursor: { id: 0n, ns: `db.${String(target)}`, firstBatch } };
      }
      case "update": {
        const [{ q, u, upsert }] = command["updates"] as [{ q: Document; u: Document[]; upsert?: boolean }];
        const found = [...documents.values()].find((one) => matches(one, q, time));
        if (found === undefined && !upsert) return { ok: 1, n: 0, nModified: 0 };
        if (found === undefined && documents.has(q["_id"])) {
          const errmsg = `E11000 duplicate key error collection: ${String(target)}`;
          return { ok: 1, n: 0, nModified: 0, writeErrors: [{ index: 0, code: 11000, errmsg }] };
        }
        const next = { ...(found ?? q), ...computed(u[0]!["$set"] as Document, {}, time) };
        documents.set(q["_id"], next);
        const upserted = found === undefined ? { upserted: [{ index: 0, _id: q["_id"] }] } : {};
        return { ok: 1, n: 1, nModified: found === undefined ? 0 : 1, ...upserted };
      }
      case "delete": {
        const [{ q }] = command["deletes"] as [{ q: Document }];
        const found = [...documents.values()].find((one) => matches(one, q, time));
        if (found !== undefined) documents.delete(found["_id"]);
        return { ok: 1, n: found === undefined ? 0 : 1 };
      }
      case "createIndexes":
      case "endSessions":
      case "ping":
        return { ok: 1 };
      case "hello":
      case "ismaster":
      case "isMaster":
        return {
          ok: 1,
          isWritablePrimary: true,
          helloOk: true,
          minWireVersion: 0,
          maxWireVersion: 21,
          maxBsonObjectSize: 16_777_216,
          maxMessageSizeBytes: 48_000_000,
          maxWriteBatchSize: 100_000,
          logicalSessionTimeoutMinutes: 30,
        };
    }
    return { ok: 0, code: 59, codeName: "CommandNotFound", errmsg: `no such command: ${name}` };
  }

  /** Joins the sections of a message: the body, and sequences of documents that belong under a name of it. */
  function commandIn(message: Buffer): Document {
    let at = HEADER + 4;
    let command: Document = {};
    while (at < message.length) {
      const kind = message[at++];
      const size = message.readInt32LE(at);
      if (kind === 0) {
        command = Object.assign(bson.deserialize(message.subarray(at, at + size)), command);
      } else {
        const end = message.indexOf(0, at + 4);
        const documents: Document[] = [];
        for (let from = end + 1; from < at + size; from += message.readInt32LE(from)) {
          documents.push(bson.deserialize(message.subarray(from, from + message.readInt32LE(from))));
        }
        command = { ...command, [message.toString("utf8", at + 4, end)]: documents };
      }
      at += size;
    }
    const { [Object.keys(command).find((key) => COMMANDS.has(key)) ?? ""]: target, ...rest } = command;
    const name = Object.keys(command).find((key) => COMMANDS.has(key)) ?? Object.keys(command)[0] ?? "";
    return { [name]: target, ...rest };
  }

  /** Flags, the name of a collection, and two numbers stand before it. */
  function queryIn(message: Buffer): Document {
    return bson.deserialize(message.subarray(message.indexOf(0, HEADER + 4) + 1 + 8));
  }

  function serve(socket: Socket): void {
    let pending = Buffer.alloc(0);
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= pending.readInt32LE(0)) {
        const message = pending.subarray(0, pending.readInt32LE(0));
        pending = pending.subarray(message.length);
        const isQuery = message.readInt32LE(12) === OP_QUERY;
        const body = bson.serialize(answer(isQuery ? queryIn(message) : commandIn(message)));
        const head = Buffer.alloc(HEADER + (isQuery ? 20 : 5));
        head.writeInt32LE(head.length + body.length, 0);
        head.writeInt32LE(message.readInt32LE(4), 8);
        head.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12);
        // The number of documents.
        if (isQuery) head.writeInt32LE(1, HEADER + 16);
        socket.write(Buffer.concat([head, body]));
      }
    });
  }

  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

const COMMANDS = new Set([
  "find",
  "update",
  "delete",
  "createIndexes",
  "endSessions",
  "ping",
  "hello",
  "ismaster",
  "isMaster",
]);

function matches(document: Document, filter: Document, now: Date): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    if (name === "$expr") return Boolean(value(wanted, document, now));
    const list = (wanted as { $in?: unknown[] } | null)?.$in;
    return list === undefined ? document[name] === wanted : list.includes(document[name]);
  });
}

function projected(document: Document, projection: Document | undefined, now: Date): Document {
  if (projection === undefined) return document;
  const fields = Object.entries(projection).map(([name, wanted]) => [
    name,
    wanted === 1 ? document[name] : value(wanted, document, now),
  ]);
  return { _id: document["_id"], ...Object.fromEntries(fields) };
}

function computed(fields: Document, document: Document, now: Date): Document {
  return Object.fromEntries(
    Object.entries(fields).map(([name, wanted]) => [name, value(wanted, document, now)]),
  );
}

/** An aggregation expression. */
function value(expression: unknown, document: Document, now: Date): unknown {
  if (expression === "$$NOW") return now;
  if (typeof expression === "string" && expression.startsWith("$")) return document[expression.slice(1)];
  if (typeof expression !== "object" || expression === null) return expression;
  const [operator, operand] = Object.entries(expression)[0]!;
  if (operator === "$literal") return operand;
  const [a, b, c] = (operand as unknown[]).map((item) => value(item, document, now));
  switch (operator) {
    case "$gt":
      return Number(a) > Number(b);
    case "$lte":
      return Number(a) <= Number(b);
    case "$add":
      return new Date(Number(a) + Number(b));
    case "$substrCP":
      return Array.from(String(a))
        .slice(Number(b), Number(b) + Number(c))
        .join("");
  }
  throw new Error(`This stand-in knows no ${operator}.`);
}
