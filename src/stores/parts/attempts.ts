import { setTimeout as sleep } from "node:timers/promises";
import { HipflaskError, SessionConflictError, StoreError } from "../../errors.ts";

/** What is tried again, how often and how long, and what is told once it failed. */

/** Times that a step is sent again after an error. */
const RETRIES = 2;
/** Times that a change is made again since other writers were faster. */
const MAX_CONFLICTS = 100;
/** Milliseconds. */
const LONGEST_WAIT = 20;
/** Times that a random key may be taken, which it never is unless the random source is broken. */
const MAX_COLLISIONS = 3;

/** One read or commit: its steps are sent to the store until it is done, or its time is over. */
export class Task {
  isOver = false;
  /** Called when the time is over. */
  onOver: (() => void) | undefined;
  /** The answer to a step did not come, so it was sent again. */
  isRepeated = false;
  readonly #store: string;
  readonly #name: string;
  readonly #seconds: number;
  readonly #onFailure: ((task: string, error: StoreError) => void) | undefined;

  /**
   * @param store the `name` of the store
   * @param name of the task, for messages
   * @param onFailure called for a `StoreError`, before the caller gets it
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
   * What the work comes to, or a rejection with a `StoreError` that names the store and the task: "timeout", or what the
   * work rejected with. Errors of the library pass as they are.
   */
  within<Result>(work: Promise<Result>): Promise<Result> {
    // One promise and no chain: every request with a session passes here once or twice.
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
          // Otherwise its caller was told already.
          if (this.isOver) return;
          clearTimeout(timer);
          fail(error instanceof HipflaskError ? error : storeError(this.#store, this.#name, error));
        },
      );
    });
  }

  /** Sends a step, and again after an error that leaves it open what became of it. @throws StoreError */
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

  /** Nothing more is begun once the caller was told that it failed. @throws StoreError "timeout" */
  check(): void {
    if (this.isOver) throw this.#timeout();
  }

  #timeout(): StoreError {
    const limit = `within ${this.#seconds} seconds`;
    return new StoreError("timeout", `${this.#store} did not answer "${this.#name}" ${limit}.`);
  }
}

/** The same for work of another kind than a read or commit. */
export function inTime<Result>(
  store: string,
  name: string,
  seconds: number,
  work: () => Promise<Result>,
): Promise<Result> {
  return new Task(store, name, seconds).within(Promise.resolve().then(work));
}

/**
 * Waits before a change is made again because another writer was faster: not at all the first time, then random waits spread
 * the crowd. Made for `for (let conflicts = 0; ; await backOff(++conflicts))`.
 *
 * @throws SessionConflictError for the 100th time
 */
export async function backOff(conflicts: number): Promise<void> {
  if (conflicts === MAX_CONFLICTS) throw new SessionConflictError(MAX_CONFLICTS);
  if (conflicts > 1) await sleep(Math.random() * Math.min(LONGEST_WAIT, 2 ** (conflicts - 1)));
}

/** Inserts under another random key where the first is taken. @throws StoreError */
export async function underFreshKey<Result>(insert: () => Promise<Result | "taken">): Promise<Result> {
  for (let attempt = 0; attempt < MAX_COLLISIONS; attempt++) {
    const result = await insert();
    if (result !== "taken") return result;
  }
  throw new StoreError(
    "unavailable",
    "The store finds every new key taken; its random source must be broken.",
  );
}

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

/** An answer that is none to the question: the client was told to give other ones, or is something else than it seems. */
export function unknownAnswer(name: string, verb: string, advice?: string): StoreError {
  return new StoreError(
    "unavailable",
    `${name} answered "${verb}" with something that is not an answer to it${advice === undefined ? "" : `; ${advice}`}.`,
  );
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
