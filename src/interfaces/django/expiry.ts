import type { Fields } from "../../json/fields.ts";

/** How long a session of Django lives, and whether its cookie outlives the browser. */
export interface DjangoExpiry {
  /** Seconds of `get_expiry_age()`: the cookie's Max-Age. */
  readonly age: number;
  /** Seconds until `get_expiry_date()`: when the row ends. */
  readonly lifetime: number;
  readonly atBrowserClose: boolean;
}

const EXPIRY = "_session_expiry";
/** Python's `datetime.isoformat()`, as `set_expiry` stores a moment; without an offset it means UTC here. */
const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:?\d\d)?$/;

/**
 * What `set_expiry` left in the session, as Django reads it: a number of seconds, 0 for the browser's close, a moment, or
 * nothing. What is none of these counts as nothing.
 */
export function djangoExpiry(
  fields: Fields,
  { age, atBrowserClose }: { readonly age: number; readonly atBrowserClose: boolean },
  now: number,
): DjangoExpiry {
  const value = valueOf(fields.get(EXPIRY));
  if (typeof value === "number") {
    const seconds = value === 0 ? age : value;
    return { age: seconds, lifetime: seconds, atBrowserClose: value === 0 };
  }
  const moment = typeof value === "string" ? momentOf(value) : undefined;
  if (moment === undefined) return { age, lifetime: age, atBrowserClose };
  const left = (moment - now) / 1000;
  return { age: Math.floor(left), lifetime: left, atBrowserClose: false };
}

function valueOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function momentOf(text: string): number | undefined {
  const [, date, time, offset = "Z"] = MOMENT.exec(text) ?? [];
  const at = date === undefined ? NaN : Date.parse(`${date}T${time}${offset}`);
  return Number.isNaN(at) ? undefined : at;
}
