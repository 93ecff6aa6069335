/** Milliseconds for which a comparison of the two clocks is good. */
const RENEW = 1000;

let comparedAt = -Infinity;
let distance = 0;

/**
 * Epoch milliseconds without `Date.now`. With `cacheComponents` Next prerenders a page for a visitor, session included,
 * and gives that up at the first call of `Date.now`; `performance.now` it allows, for what does not show on the page.
 * Whether a session has expired does not. That clock stands still while a computer sleeps, so it is compared with the
 * time of day now and then: a file that is given no date was modified now (W3C File API, "The File constructor").
 */
export function prerenderClock(): number {
  const elapsed = performance.now();
  if (elapsed - comparedAt > RENEW) {
    distance = new File([], "").lastModified - elapsed;
    comparedAt = elapsed;
  }
  return Math.round(elapsed + distance);
}
