/** Milliseconds between two comparisons of the clocks. */
const RENEW = 1000;

let comparedAt = -Infinity;
let distance = 0;

/**
 * Epoch milliseconds without `Date.now`. With `cacheComponents`, Next prerenders a page for a visitor, including the
 * session, and aborts at the first call of `Date.now`; it allows `performance.now` for times that the page does not show,
 * such as a session's expiry. That clock stops while a computer sleeps, so it is regularly compared with the time of day: a
 * file without a date was modified now (W3C File API, "The File constructor").
 */
export function prerenderClock(): number {
  const elapsed = performance.now();
  if (elapsed - comparedAt > RENEW) {
    distance = new File([], "").lastModified - elapsed;
    comparedAt = elapsed;
  }
  return Math.round(elapsed + distance);
}
