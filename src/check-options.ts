import { didYouMean } from "./did-you-mean.ts";
import { ConfigError } from "./errors.ts";

/** What an option accepts: a type, a number of seconds, a number from 1 on, a list, anything, or one of several strings. */
type Kind = "string" | "boolean" | "function" | "seconds" | "count" | "list" | "any" | readonly string[];

/** The kind of each option of a function. */
export type OptionKinds<Options extends object> = { readonly [Name in keyof Options]-?: Kind };

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;
/** Browsers keep a cookie for 400 days at most (RFC 6265bis §5.5), and no session needs to outlive its cookie. */
const LONGEST = 400 * DAY;
/** The longest wait for a server, in seconds. */
export const LONGEST_WAIT = 10 * MINUTE;

/** The least number that {@link checkNumber} accepts where 0 is refused. */
export const POSITIVE = Number.MIN_VALUE;

/**
 * Checks the options of a function; `undefined` is the same as omitting an option.
 *
 * @param call name of the function, for error messages
 * @throws ConfigError unless `options` is an object, for an unknown option, and for an invalid value
 */
export function checkOptions<Options extends object>(
  call: string,
  options: Options,
  kinds: OptionKinds<Options>,
): void {
  checkNames(call, options, Object.keys(kinds));
  // By name, since Object.entries omits the getters of a class.
  for (const name of Object.keys(kinds) as (keyof Options & string)[])
    if (options[name] !== undefined) checkValue(name, options[name], kinds[name]);
}

/**
 * Refuses an argument after the last one of a function: options where nothing looks for them would have no effect.
 *
 * @param why what to do instead, for the message
 * @throws ConfigError
 */
export function checkCount(call: string, given: ArrayLike<unknown>, most: 0 | 1, why: string): void {
  if (given.length > most && given[most] !== undefined)
    throw new ConfigError(`${call} takes no ${most === 0 ? "" : "second "}argument: ${why}.`);
}

/**
 * Checks only the names of options.
 *
 * @throws ConfigError unless `options` is an object, and for an unknown option
 */
export function checkNames(call: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    const found = options === null ? "null" : Array.isArray(options) ? "a list" : `a ${typeof options}`;
    throw new ConfigError(
      `The options of ${call} must be an object, as in { ${names[0]}: … }, and they are ${found}.`,
    );
  }
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw new ConfigError(`${call} has no option "${name}".${didYouMean(name, names)}`);
}

/** The message omits the value, which may be a secret under the wrong name. */
function checkValue(name: string, value: unknown, kind: Kind): void {
  if (kind === "any") return;
  if (typeof kind === "object") oneOf(name, value, kind);
  else if (kind === "list") {
    if (!Array.isArray(value)) throw new ConfigError(`"${name}" must be a list.`);
  } else if (kind === "count") checkNumber(name, value, 1);
  else if (kind === "seconds") checkSeconds(name, value, LONGEST_WAIT);
  else if (typeof value !== kind)
    throw new ConfigError(`"${name}" must be a ${kind}, and it is of type ${typeof value}.`);
}

/** @throws ConfigError for NaN as well: no number is greater, so such a limit would never apply */
export function checkNumber(name: string, value: unknown, least: number, unit = ""): number {
  if (typeof value === "number" && value >= least && (unit === "" || value !== Infinity)) return value;
  const range = least === POSITIVE ? "greater than 0" : `from ${least} on`;
  throw new ConfigError(`"${name}" must be a number${unit} ${range}.`);
}

/**
 * Checks a duration in seconds, and refuses what are probably milliseconds: a longer duration than `most`, and from ten
 * minutes on whole minutes of milliseconds, unless they are whole days of seconds.
 *
 * @throws ConfigError
 */
export function checkSeconds(name: string, value: unknown, most = LONGEST): number {
  const seconds = checkNumber(name, value, 0, " of seconds");
  const isMinutes = seconds >= 10 * MINUTE * 1000 && seconds % (MINUTE * 1000) === 0 && seconds % DAY !== 0;
  if (seconds <= most && !isMinutes) return seconds;
  const length = seconds < DAY ? "" : ` ${seconds} are ${Math.round((seconds / DAY) * 10) / 10} days.`;
  const limit =
    most === LONGEST ? "browsers keep a cookie for 400 days at most" : `the maximum is ${most} seconds`;
  throw new ConfigError(
    `"${name}" is in seconds${seconds > most ? `, and ${limit}` : ""}.${length} ` +
      `If ${seconds} are milliseconds, write ${seconds / 1000}${seconds > most ? "" : "; if not, write whole days, as 30 * 86400"}.`,
  );
}

/** @throws ConfigError unless the value is one of `words` */
export function oneOf<Word extends string>(name: string, value: unknown, words: readonly Word[]): Word {
  const word = words.find((known) => known === value);
  if (word === undefined)
    throw new ConfigError(`"${name}" must be ${words.map((known) => `"${known}"`).join(" or ")}.`);
  return word;
}
