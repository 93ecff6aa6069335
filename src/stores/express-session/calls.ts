/** What we call of a store of express-session; every `Store` fits. */
export interface ExpressSessionBackend {
  // oxlint-disable-next-line typescript/no-explicit-any -- stores type their sessions and errors in many ways
  get(sid: string, callback: (error: any, session?: any) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  set(sid: string, session: any, callback: (error?: any) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  destroy(sid: string, callback: (error?: any) => void): unknown;
}

/**
 * Calls a store with a callback, and gives its answer as a promise. A promise that the store returns may tell of its failure.
 *
 * @param isAnswer whether what the store returned is its answer too; default: only the callback has it
 */
export function called<Result>(
  call: (done: (error?: unknown, result?: Result) => void) => unknown,
  isAnswer: (returned: unknown) => boolean = () => false,
): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const returned = call((error, result) => {
      if (error === null || error === undefined) resolve(result);
      else reject(error);
    });
    Promise.resolve(returned as Result).then(isAnswer(returned) ? resolve : undefined, reject);
  });
}

/** Runs work on one thing in sequence, and on different things at once. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    const mine = before === undefined ? work() : before.then(work, work);
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
