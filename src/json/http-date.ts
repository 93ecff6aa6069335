import { UnserializableError } from "../errors.ts";

const FIRST = Date.UTC(2000, 0, 1) - 730_119 * 86_400_000; // 0001-01-01, which Date.UTC(1, …) would take for 1901
const END = Date.UTC(10_000, 0, 1);

/**
 * Formats epoch milliseconds as an HTTP date (RFC 9110 §5.6.7) such as `Thu, 01 Jan 1970 00:00:00 GMT`. Rounds down to the
 * second, as Werkzeug does.
 *
 * @throws {UnserializableError} outside the years 1–9999, which the format cannot express.
 */
export function formatHttpDate(epochMs: number): string {
  if (!(epochMs >= FIRST && epochMs < END)) {
    throw new UnserializableError("A date is invalid or outside the years 1 to 9999.");
  }
  return new Date(Math.floor(epochMs / 1000) * 1000).toUTCString();
}

// White space between words, as Python defines it.
// oxlint-disable-next-line no-control-regex -- it includes four control characters
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
const DAYS = new Set(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
const SHORT_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const LONG_MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const ZONES: ReadonlyMap<string, number> = new Map([
  ["AST", -400],
  ["ADT", -300],
  ["EST", -500],
  ["EDT", -400],
  ["CST", -600],
  ["CDT", -500],
  ["MST", -700],
  ["MDT", -600],
  ["PST", -800],
  ["PDT", -700],
]);

/**
 * Parses a date as leniently as Werkzeug's `parse_date`, which uses Python's `email.utils`: RFC 1123, RFC 850, asctime,
 * with or without weekday, seconds and zone. A two-digit year is 1969–2068, a missing zone is UTC.
 *
 * @returns null for an invalid date.
 */
export function parseHttpDate(text: string): Date | null {
  const words = dateWords(text);
  if (words === null) return null;
  let [day, month, year, time, zone] = words;

  if (monthNumber(month) === 0) [day, month] = [month, day];
  if (year.indexOf(":") > 0) [year, time] = [time, year];
  year = withoutComma(year);
  if (!/^\d/.test(year)) [year, zone] = [zone, year];
  const clock = clockOf(withoutComma(time));
  if (clock === null) return null;

  return momentOf(
    fullYear(integer(year)),
    monthNumber(month),
    integer(withoutComma(day)),
    clock,
    offsetOf(zone),
  );
}

type Words = [day: string, month: string, year: string, time: string, zone: string];

/** The five words of a date after the weekday, in the order of RFC 1123. */
function dateWords(text: string): Words | null {
  const words = text.split(SPACES).filter((word) => word !== "");
  const first = words[0];
  if (first === undefined) return null;
  if (first.endsWith(",") || DAYS.has(first.toLowerCase())) words.shift();
  else words[0] = first.slice(first.lastIndexOf(",") + 1);

  if (words.length === 3) {
    const parts = (words[0] as string).split("-"); // RFC 850: 06-Nov-94
    if (parts.length === 3) words.splice(0, 1, ...parts);
  }
  if (words.length === 4) {
    const time = words[3] as string;
    const sign = time.includes("+") ? time.indexOf("+") : time.indexOf("-");
    if (sign > 0) words.splice(3, 1, time.slice(0, sign), time.slice(sign));
    else words.push("");
  }
  const [day, month, year, time, zone] = words;
  if (!day || !month || !year || time === undefined || zone === undefined) return null;
  return [day, month, year, time, zone];
}

function withoutComma(word: string): string {
  return word.endsWith(",") ? word.slice(0, -1) : word;
}

/** 1–12, or 0 for anything else. */
function monthNumber(word: string): number {
  const name = word.toLowerCase();
  return SHORT_MONTHS.indexOf(name) + 1 || LONG_MONTHS.indexOf(name) + 1;
}

/** Python's `int(text)`; NaN if that raises. */
function integer(text: string): number {
  return /^[+-]?\d+(?:_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : NaN;
}

function fullYear(year: number): number {
  if (year >= 100) return year;
  return year > 68 ? year + 1900 : year + 2000;
}

function clockOf(time: string): [hour: number, minute: number, second: number] | null {
  const parts = time.split(time.includes(":") ? ":" : ".");
  if (parts.length !== 2 && parts.length !== 3) return null;
  const [hour, minute, second = "0"] = parts as [string, string, string?];
  return [integer(hour), integer(minute), integer(second)];
}

/** Offset from UTC in seconds; unknown zones count as none. */
function offsetOf(zone: string): number {
  const name = zone.toUpperCase();
  const hhmm = ZONES.get(name) ?? (integer(name) || 0);
  const size = Math.abs(hhmm);
  return Math.sign(hhmm) * (Math.floor(size / 100) * 3600 + (size % 100) * 60);
}

function momentOf(
  year: number,
  month: number,
  day: number,
  clock: readonly number[],
  offset: number,
): Date | null {
  const [hour, minute, second] = clock as [number, number, number];
  const possible =
    year >= 1 &&
    year <= 9999 &&
    month >= 1 &&
    day >= 1 &&
    hour >= 0 &&
    hour < 24 &&
    minute >= 0 &&
    minute < 60 &&
    second >= 0 &&
    second < 60 &&
    Math.abs(offset) < 86_400;
  if (!possible) return null;
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, day);
  if (moment.getUTCDate() !== day) return null; // 31 February
  moment.setUTCHours(hour, minute, second - offset);
  return moment;
}
