/**
 * The operations on a response's headers that a session needs. Names are case-insensitive. A web-standard `Headers` can be
 * passed; adapters wrap the headers of other frameworks.
 */
export interface ResponseHeaders {
  /** All values of the header joined with `, `, or null. */
  get(name: string): string | null;
  set(name: string, value: string): void;
  /** Adds a header line; Set-Cookie lines are never joined. */
  append(name: string, value: string): void;
}

/** Wraps headers; `written` is called with each name before it is set or added. */
export function observed(
  headers: ResponseHeaders,
  written: (name: string, value: string) => void,
): ResponseHeaders {
  return {
    get: (name) => headers.get(name),
    set(name, value) {
      written(name, value);
      headers.set(name, value);
    },
    append(name, value) {
      written(name, value);
      headers.append(name, value);
    },
  };
}

/** Adds `Cookie` to Vary if it is missing, and keeps all other names (RFC 9110 §12.5.5). */
export function varyOnCookie(headers: ResponseHeaders): void {
  const vary = headers.get("Vary");
  if (vary === null || vary.trim() === "") headers.set("Vary", "Cookie");
  else if (!listHas(vary, "cookie")) headers.set("Vary", `${vary}, Cookie`);
}

/**
 * Headers that CDNs follow instead of Cache-Control (RFC 9213 §2.2, Edge Architecture §2.2, nginx), and the value that
 * forbids storing.
 */
const TARGETED: readonly (readonly [name: string, forbids: string])[] = [
  ["CDN-Cache-Control", "no-store"],
  ["Cloudflare-CDN-Cache-Control", "no-store"],
  ["Vercel-CDN-Cache-Control", "no-store"],
  ["Netlify-CDN-Cache-Control", "no-store"],
  ["Akamai-Cache-Control", "no-store"],
  ["Edge-Control", "no-store"],
  ["Surrogate-Control", "no-store"],
  ["X-Accel-Expires", "0"],
];

const STORABLE = /^(public|s-maxage(=.*)?|immutable)$/i;

/**
 * Keeps a response with a session cookie out of all caches (RFC 9111 §7.3): adds `no-store` and removes the directives that
 * contradict it. Headers for CDNs that allow caching are changed as well.
 *
 * @returns the directives that were removed
 */
export function forbidStoring(headers: ResponseHeaders): string[] {
  const replaced: string[] = [];
  for (const [name, forbids] of TARGETED) {
    const given = headers.get(name);
    if (given === null || given.trim().toLowerCase() === forbids) continue;
    headers.set(name, forbids);
    replaced.push(`${name}: ${given}`);
  }
  return [...forbidInCacheControl(headers), ...replaced];
}

function forbidInCacheControl(headers: ResponseHeaders): string[] {
  const given = (headers.get("Cache-Control") ?? "")
    .split(",")
    .map((directive) => directive.trim())
    .filter((directive) => directive !== "");
  const kept = given.filter((directive) => !STORABLE.test(directive));
  const isForbidden = kept.some((directive) => directive.toLowerCase() === "no-store");
  if (kept.length === given.length && isForbidden) return [];
  headers.set("Cache-Control", (isForbidden ? kept : [...kept, "no-store"]).join(", "));
  return given.filter((directive) => STORABLE.test(directive));
}

function listHas(list: string, word: string): boolean {
  return list.split(",").some((item) => item.trim().toLowerCase() === word);
}
