/** Flask's `PERMANENT_SESSION_LIFETIME`: 31 days, in seconds. */
export const DEFAULT_LIFETIME = 31 * 24 * 60 * 60;

/** Whole seconds a cookie may be old. Flask cuts a fractional lifetime for this check, and only for this one. */
export function maxAgeOf(lifetime: number): number {
  return Math.trunc(lifetime);
}

/** When a cookie written now stops being sent by the browser, in epoch milliseconds on a whole second. */
export function expiresAt(now: number, lifetime: number): number {
  return Math.floor((now + lifetime * 1000) / 1000) * 1000;
}
