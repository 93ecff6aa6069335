/**
 * What a session needs of a response's headers. Names are case-insensitive. The web's `Headers` fits as it is; other
 * frameworks are wrapped by their adapter.
 */
export interface ResponseHeaders {
  /** All values of the header joined with `, `, or null. */
  get(name: string): string | null;
  set(name: string, value: string): void;
  /** Adds a line of its own; Set-Cookie lines are never joined. */
  append(name: string, value: string): void;
}

/** The same headers; `written` is called with each that is set or added, before it is. */
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

/** Adds `Cookie` to Vary unless it is there; every line and every other name stays (RFC 9110 §12.5.5). */
export function varyOnCookie(headers: ResponseHeaders): void {
  const vary = headers.get("Vary");
  if (vary === null || vary.trim() === "") headers.set("Vary", "Cookie");
  else if (!listHas(vary, "cookie")) headers.set("Vary", `${vary}, Cookie`);
}

/**
 * Headers that caches of content networks obey instead of Cache-Control (RFC 9213 §2.2, Edge Architecture §2.2, nginx),
 * and what forbids storing in each.
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
 * Keeps a response that carries a session cookie out of every cache (RFC 9111 §7.3): adds `no-store` and removes the
 * directives that contradict it; the others stay. Where a header for content networks says otherwise, it says so too.
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
