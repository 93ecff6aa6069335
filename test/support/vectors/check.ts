import { ConfigError, SessionManager, type SessionOptions } from "hipflask";

export interface Verdict {
  readonly name: string;
  /** Runs the vector, which passed if there are no problems. */
  readonly problems: () => readonly string[];
}

/** Collects what is wrong with one vector; everything is looked at, not only the first difference. */
export class Check {
  readonly problems: string[] = [];

  equal(what: string, actual: unknown, expected: unknown): void {
    const [got, wanted] = [show(actual), show(expected)];
    if (got !== wanted) this.problems.push(`${what}\n  expected ${wanted}\n  actual   ${got}`);
  }

  fail(problem: string): void {
    this.problems.push(problem);
  }
}

/** The verdict on one vector; whatever `run` throws is a problem of that vector alone. */
export function judge(name: string, run: (check: Check) => void): Verdict {
  const problems = () => {
    const check = new Check();
    try {
      run(check);
    } catch (error) {
      check.fail(`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    return check.problems;
  };
  return { name, problems };
}

/** A vector of a file, before anything is known about it. */
export type Raw = Readonly<Record<string, unknown>>;

/**
 * An unread field might be an expectation, so an unknown one is a problem, and so is a missing one.
 *
 * @param optional names that may be there or not; `note` always may
 */
export function checkFields(raw: Raw, required: readonly string[], optional: readonly string[] = []): void {
  const known = new Set([...required, ...optional, "note"]);
  const unknown = Object.keys(raw).filter((name) => !known.has(name));
  if (unknown.length > 0) throw new TypeError(`The runner knows no field ${unknown.join(", ")}.`);
  const missing = required.filter((name) => !Object.hasOwn(raw, name));
  if (missing.length > 0) throw new TypeError(`The vector has no ${missing.join(", ")}.`);
}

/** @throws TypeError for a word that is none of `words` */
export function oneOf<Word extends string>(what: string, value: unknown, words: readonly Word[]): Word {
  const word = words.find((known) => known === value);
  if (word === undefined) throw new TypeError(`The runner knows no ${what} ${JSON.stringify(value)}.`);
  return word;
}

/** A secret of the vectors. */
export interface VectorKey {
  readonly hex: string;
  readonly utf8?: string;
}

export function bytesOf(key: VectorKey): Uint8Array {
  return new Uint8Array(Buffer.from(key.hex, "hex"));
}

/** The secret as an app would pass it: text where there is one. */
export function secretOf(key: VectorKey): string | Uint8Array {
  return key.utf8 ?? bytesOf(key);
}

function show(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}

/** Flask takes a lifetime of no time at all; here it is refused when the options are given. */
export function checkRefused(check: Check, options: SessionOptions, option: string): void {
  try {
    void new SessionManager(options);
    check.equal("options", "accepted", "refused");
  } catch (error) {
    check.equal("options", error instanceof ConfigError && error.message.includes(`"${option}"`), true);
  }
}
