import type { Fields } from "../../json/fields.ts";
import { offsetOf } from "../../stores/django/local-time.ts";

/** When a Django session expires, and whether its cookie expires when the browser closes. */
export interface DjangoExpiry {
  /** Seconds of `get_expiry_age()`: the cookie's Max-Age. */
  readonly age: number;
  /** Seconds until `get_expiry_date()`: when the row expires. */
  readonly lifetime: number;
  readonly atBrowserClose: boolean;
}

const EXPIRY = "_session_expiry";
/** Python's `datetime.isoformat()`, as `set_expiry` stores a date. */
const DATE = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:?\d\d)?$/;

/** The project's defaults for sessions without an expiry of their own, and the time zone of dates without an offset. */
export interface DjangoExpirySettings {
  /** Seconds. */
  readonly age: number;
  readonly atBrowserClose: boolean;
  /** `TIME_ZONE` of a project with `USE_TZ = False`. */
  readonly timeZone: string;
}

/**
 * The expiry that `set_expiry` stored in the session, as Django reads it: a number of seconds, 0 for when the browser closes,
 * or a date. Without one, or with any other value, the defaults apply.
 *
 * A date without an offset is local time, written by projects with `USE_TZ = False`. As in Django, the current local time is
 * subtracted from it, even if daylight saving time begins or ends between the two.
 */
export function djangoExpiry(
  fields: Fields,
  { age, atBrowserClose, timeZone }: DjangoExpirySettings,
  now: number,
): DjangoExpiry {
  const value = valueOf(fields.get(EXPIRY));
  if (typeof value === "number") {
    const seconds = value === 0 ? age : value;
    return { age: seconds, lifetime: seconds, atBrowserClose: value === 0 };
  }
  const left = typeof value === "string" ? secondsUntil(value, timeZone, now) : undefined;
  if (left === undefined) return { age, lifetime: age, atBrowserClose };
  return { age: Math.floor(left), lifetime: left, atBrowserClose: false };
}

function valueOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function secondsUntil(text: string, timeZone: string, now: number): number | undefined {
  const [, date, time, offset] = DATE.exec(text) ?? [];
  const at = date === undefined ? NaN : Date.parse(`${date}T${time}${offset ?? "Z"}`);
  if (Number.isNaN(at)) return undefined;
  return (at - (offset === undefined ? now + offsetOf(timeZone, now) : now)) / 1000;
}
