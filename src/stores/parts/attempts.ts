import { setTimeout as sleep } from "node:timers/promises";
import { HipflaskError, SessionConflictError, StoreError } from "../../errors.ts";

/** Retries and timeouts of operations of the store, and their errors. */

/** How often a step is sent again after an error. */
const RETRIES = 2;
/** Conflicts in a row after which a change fails. */
const MAX_CONFLICTS = 100;
/** Upper limit of a random backoff, in milliseconds. */
const LONGEST_WAIT = 20;
/** How many random keys are tried. A collision only happens if the random source is broken. */
const MAX_COLLISIONS = 3;

/** One read or commit, with a timeout for all of its steps. */
export class Task {
  isOver = false;
  /** Called at the timeout. */
  onOver: (() => void) | undefined;
  /** A step failed with an unknown outcome and was sent again. */
  isRepeated = false;
  readonly #store: string;
  readonly #name: string;
  readonly #seconds: number;
  readonly #onFailure: ((task: string, error: StoreError) => void) | undefined;

  /**
   * @param store the `name` of the store
   * @param name the name of the task, for messages
   * @param onFailure called with a `StoreError` before the task rejects with it
   */
  constructor(
    store: string,
    name: string,
    seconds: number,
    onFailure?: (task: string, error: StoreError) => void,
  ) {
    this.#store = store;
    this.#name = name;
    this.#seconds = seconds;
    this.#onFailure = onFailure;
  }

  /**
   * Resolves like `work`, or rejects with a `StoreError` that names the store and the task: "timeout", or the error that `work`
   * rejected with. Errors of the library are passed on unchanged.
   */
  within<Result>(work: Promise<Result>): Promise<Result> {
    // One promise instead of a chain, for speed: this runs once or twice per request.
    return new Promise((resolve, reject) => {
      const fail = (error: HipflaskError) => {
        if (error instanceof StoreError) this.#onFailure?.(this.#name, error);
        reject(error);
      };
      const timer = setTimeout(() => {
        this.isOver = true;
        fail(this.#timeout());
        this.onOver?.();
      }, this.#seconds * 1000);
      work.then(
        // oxlint-disable-next-line promise/always-return -- the promise around it is what is returned
        (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        (error: unknown) => {
          // After the timeout, the promise is already rejected.
          if (this.isOver) return;
          clearTimeout(timer);
          fail(error instanceof HipflaskError ? error : storeError(this.#store, this.#name, error));
        },
      );
    });
  }

  /** Sends a step, and sends it again after an error with an unknown outcome. @throws StoreError */
  async ask<Answer>(step: string, send: () => Promise<Answer>): Promise<Answer> {
    for (let retries = 0; ; retries++) {
      try {
        return await send();
      } catch (error) {
        const failure = storeError(this.#store, step, error);
        const isOpen = failure.reason === "unavailable" || failure.reason === "timeout";
        if (!isOpen || retries === RETRIES || this.isOver) throw failure;
        this.isRepeated = true;
      }
      if (retries > 0) await sleep(Math.random() * LONGEST_WAIT);
      this.check();
    }
  }

  /** Call before each further step, so that none is sent after the timeout. @throws StoreError "timeout" */
  check(): void {
    if (this.isOver) throw this.#timeout();
  }

  #timeout(): StoreError {
    const limit = `within ${this.#seconds} seconds`;
    return new StoreError("timeout", `${this.#store} did not answer "${this.#name}" ${limit}.`);
  }
}

/** Runs other work with a timeout. */
export function withTimeout<Result>(
  store: string,
  name: string,
  seconds: number,
  work: () => Promise<Result>,
): Promise<Result> {
  return new Task(store, name, seconds).within(Promise.resolve().then(work));
}

/**
 * Waits before a change is tried again after a conflict: not at all the first time, then with random backoff. Use it as
 * `for (let conflicts = 0; ; await backOff(++conflicts))`.
 *
 * @throws SessionConflictError at the 100th conflict
 */
export async function backOff(conflicts: number): Promise<void> {
  if (conflicts === MAX_CONFLICTS) throw new SessionConflictError(MAX_CONFLICTS);
  if (conflicts > 1) await sleep(Math.random() * Math.min(LONGEST_WAIT, 2 ** (conflicts - 1)));
}

/** Inserts under a random key, and under another one if it is taken. @throws StoreError */
export async function underFreshKey<Result>(insert: () => Promise<Result | "taken">): Promise<Result> {
  for (let attempt = 0; attempt < MAX_COLLISIONS; attempt++) {
    const result = await insert();
    if (result !== "taken") return result;
  }
  throw new StoreError(
    "unavailable",
    "Every new random key exists already in the store, so the random source of this process must be broken.",
  );
}

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
