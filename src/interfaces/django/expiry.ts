import type { Fields } from "../../json/fields.ts";
import { offsetOf } from "../../stores/django/local-time.ts";

/** How long a session of Django lives, and whether its cookie outlives the browser. */
export interface DjangoExpiry {
  /** Seconds of `get_expiry_age()`: the cookie's Max-Age. */
  readonly age: number;
  /** Seconds until `get_expiry_date()`: when the row ends. */
  readonly lifetime: number;
  readonly atBrowserClose: boolean;
}

const EXPIRY = "_session_expiry";
/** Python's `datetime.isoformat()`, as `set_expiry` stores a moment. */
const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:?\d\d)?$/;

/** What counts where a session says nothing itself, and the zone of moments without an offset. */
export interface DjangoExpirySettings {
  /** Seconds. */
  readonly age: number;
  readonly atBrowserClose: boolean;
  /** `TIME_ZONE` of a project with `USE_TZ = False`. */
  readonly timeZone: string;
}

/**
 * What `set_expiry` left in the session, as Django reads it: a number of seconds, 0 for the browser's close, a moment, or
 * nothing. What is none of these counts as nothing.
 *
 * A moment without an offset is written by projects with `USE_TZ = False`, and is their local time. As in Django the local
 * time of now is subtracted from it, also where clocks are put back in between.
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
  const [, date, time, offset] = MOMENT.exec(text) ?? [];
  const at = date === undefined ? NaN : Date.parse(`${date}T${time}${offset ?? "Z"}`);
  if (Number.isNaN(at)) return undefined;
  return (at - (offset === undefined ? now + offsetOf(timeZone, now) : now)) / 1000;
}
