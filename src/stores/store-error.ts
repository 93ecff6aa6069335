import { StoreError } from "../errors.ts";

/** Longest part of a driver's message that is passed on. */
const MESSAGE_LENGTH = 200;

/**
 * What a driver threw, as a `StoreError` that names the store and the step. Of the driver's error only name, code and message
 * are kept: drivers attach statements and values to theirs, and those hold session data.
 *
 * @param name the `name` of the store
 */
export function storeError(name: string, verb: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const cause = describe(error);
  return new StoreError("unavailable", `${name} could not "${verb}": ${cause.message}`, { cause });
}

/**
 * Whether the connection was lost, or the server is changing its role or starting: the same step may succeed on another
 * connection. A step that writes may have been applied all the same; its commit id tells.
 */
export function isDropped(error: unknown): boolean {
  if (error instanceof StoreError) return error.cause !== undefined && isDropped(error.cause);
  if (!(error instanceof Error)) return false;
  return (
    DROPPED_CODES.has(String((error as { code?: unknown }).code)) || DROPPED_MESSAGES.test(error.message)
  );
}

/** Node's sockets and `fetch`; PostgreSQL's shutdowns and "cannot connect now"; mysql2; mariadb; postgres.js. */
const DROPPED_CODES = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNREFUSED",
  "UND_ERR_SOCKET",
  "57P01",
  "57P02",
  "57P03",
  "08003",
  "08006",
  "PROTOCOL_CONNECTION_LOST",
  "ER_SERVER_SHUTDOWN",
  "ER_SOCKET_UNEXPECTED_CLOSE",
  "ER_CMD_CONNECTION_CLOSED",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
]);

/** pg, ioredis, @redis/client and mysql2 say it in words only, and so does Redis when it fails over or loads its data. */
const DROPPED_MESSAGES =
  /^(Connection terminated|Connection is closed|Connection ended|Socket closed unexpectedly|Command aborted due to connection close|Client has encountered a connection error|Can't add new command when connection is in closed state|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)/;

function describe(error: unknown): Error {
  if (!(error instanceof Error)) return new Error("the driver threw something that is not an Error");
  // AggregateError of a refused connection has its message inside.
  const first =
    error.message === "" && error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  if (first !== error) return describe(first);
  const told = new Error(error.message.split("\n", 1)[0]!.slice(0, MESSAGE_LENGTH));
  told.name = error.name;
  const code = codeOf(error);
  if (code !== undefined) Object.assign(told, { code });
  return told;
}

/** `fetch` has the reason one level deeper. */
function codeOf(error: Error): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === "string") return code;
  return cause instanceof Error ? codeOf(cause) : undefined;
}
