/** The methods used of a store of express-session. */
export interface ExpressSessionBackend {
  // oxlint-disable-next-line typescript/no-explicit-any -- stores type their sessions and errors in many ways
  get(sid: string, callback: (error: any, session?: any) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  set(sid: string, session: any, callback: (error?: any) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  destroy(sid: string, callback: (error?: any) => void): unknown;
}

/**
 * Calls a callback-based method of a store and returns a promise. If the method returns a promise that rejects, this one rejects
 * too.
 *
 * @param isAnswer whether the returned value counts as the result; default: only the callback's does
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

/** Runs tasks of the same name one after another, and tasks of different names in parallel. */
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
