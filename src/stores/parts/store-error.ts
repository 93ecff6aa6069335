import { StoreError } from "../../errors.ts";

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
  const message = `${name} could not "${verb}": ${cause.message}`;
  const hint = HINTS.find(([pattern]) => pattern.test(cause.message))?.[1];
  return new StoreError("unavailable", hint === undefined ? message : `${message}. ${hint}`, { cause });
}

/** What drivers say in the first hour of an app, and what is to be done about it. */
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

/** Does one step of a store. @throws StoreError for whatever the driver throws */
export async function inStep<Result>(
  name: string,
  verb: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw storeError(name, verb, error);
  }
}

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
