import { StoreError } from "../../errors.ts";

/** Driver messages are truncated to this many characters. */
const MESSAGE_LENGTH = 200;

/**
 * Converts an error of a driver to a `StoreError` that names the store and the step. Only name, code and message of the driver's
 * error are kept, since drivers attach statements and values to their errors, and those hold session data.
 *
 * @param name the `name` of the store
 */
export function storeError(name: string, verb: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const cause = describe(error);
  const message = `${name} could not "${verb}": ${cause.message}`;
  const hint = HINTS.find(([pattern]) => pattern.test(cause.message))?.[1];
  return new StoreError("unavailable", hint === undefined ? message : `${message}. ${hint}`, { cause });
}

/**
 * The error for a response of an unexpected type: the client is configured differently, or is not the client it seems
 * to be.
 */
export function unexpectedAnswer(name: string, verb: string, advice?: string): StoreError {
  return new StoreError(
    "unavailable",
    `${name} answered "${verb}" with a value of an unexpected type${advice === undefined ? "" : `; ${advice}`}.`,
  );
}

/** Common messages of drivers, and what to do about them. */
const HINTS: ReadonlyArray<readonly [pattern: RegExp, hint: string]> = [
  [/^The client is closed$/i, "Connect it before the store is used, and close it after manager.close()."],
  [/^Connection is closed\.?$/i, "The client was closed with quit() or disconnect(); make another one."],
  [/after calling end on the pool|^Pool is closed/i, "The pool was ended; end it after manager.close()."],
  [
    /no such file or directory, open|unable to open database file/,
    "Make the folder of the file first, or correct its path.",
  ],
  [
    /ECONNREFUSED|ENOTFOUND|ENOENT/,
    "Start the server there, or correct the address that the client was made with.",
  ],
  [
    /NOAUTH|WRONGPASS|password authentication failed|Access denied/i,
    "Correct user and password in the address.",
  ],
];

function describe(error: unknown): Error {
  if (!(error instanceof Error)) return new Error("the driver threw a value that is not an Error");
  // The AggregateError of a refused connection has an empty message; its first error has one.
  const first =
    error.message === "" && error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  if (first !== error) return describe(first);
  const told = new Error(error.message.split("\n", 1)[0]!.slice(0, MESSAGE_LENGTH));
  told.name = error.name;
  const code = codeOf(error);
  if (code !== undefined) Object.assign(told, { code });
  return told;
}

/** The error's code, or that of its `cause`, as in errors of `fetch`. */
function codeOf(error: Error): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === "string") return code;
  return cause instanceof Error ? codeOf(cause) : undefined;
}
