import { StoreError } from "../errors.ts";

/** Longest part of a driver's message that is passed on. */
const MESSAGE_LENGTH = 200;

/**
 * What a driver threw, as a `StoreError`. Of the driver's error only name, code and message survive: drivers attach
 * statements and values to theirs, and those hold session data.
 */
export function storeError(verb: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const told = describe(error);
  return new StoreError("unavailable", `The session store could not "${verb}": ${told.message}`, {
    cause: told,
  });
}

/** Whether the connection went away under an operation, so that the same operation may work on another one. */
export function isDropped(error: unknown): boolean {
  if (error instanceof StoreError) return error.cause !== undefined && isDropped(error.cause);
  if (!(error instanceof Error)) return false;
  return (
    DROPPED_CODES.has(String((error as { code?: unknown }).code)) || DROPPED_MESSAGES.test(error.message)
  );
}

/** Node's sockets; PostgreSQL's administrator shutdown, crash shutdown and "cannot connect now"; mysql2. */
const DROPPED_CODES = new Set([
  "ECONNRESET",
  "EPIPE",
  "ECONNREFUSED",
  "57P01",
  "57P02",
  "57P03",
  "08006",
  "PROTOCOL_CONNECTION_LOST",
  "ER_SERVER_SHUTDOWN",
]);

/** pg, ioredis and @redis/client say it in words only. */
const DROPPED_MESSAGES =
  /^(Connection terminated|Connection is closed|Socket closed unexpectedly|Connection ended|Client has encountered a connection error)/;

function describe(error: unknown): Error {
  if (!(error instanceof Error)) return new Error("the driver threw something that is no error");
  // AggregateError of a refused connection has its message inside.
  const first =
    error.message === "" && error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  if (first !== error) return describe(first);
  const told = new Error(error.message.split("\n", 1)[0]!.slice(0, MESSAGE_LENGTH));
  told.name = error.name;
  const { code } = error as { code?: unknown };
  if (typeof code === "string") Object.assign(told, { code });
  return told;
}
