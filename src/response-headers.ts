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

/** Adds `Cookie` to Vary unless it is there; every line and every other name stays (RFC 9110 §12.5.5). */
export function varyOnCookie(headers: ResponseHeaders): void {
  const vary = headers.get("Vary");
  if (vary === null || vary.trim() === "") headers.set("Vary", "Cookie");
  else if (!listHas(vary, "cookie")) headers.set("Vary", `${vary}, Cookie`);
}

const STORABLE = /^(public|s-maxage(=.*)?|immutable)$/i;

/**
 * Keeps a response that carries a session cookie out of every cache (RFC 9111 §7.3): adds `no-store` and removes the
 * directives that contradict it; the others stay.
 */
export function forbidStoring(headers: ResponseHeaders): void {
  const given = headers.get("Cache-Control");
  if (given === null || given.trim() === "") return headers.set("Cache-Control", "no-store");
  if (listHas(given, "no-store")) return;
  const kept = given
    .split(",")
    .map((directive) => directive.trim())
    .filter((directive) => directive !== "" && !STORABLE.test(directive));
  headers.set("Cache-Control", [...kept, "no-store"].join(", "));
}

function listHas(list: string, word: string): boolean {
  return list.split(",").some((item) => item.trim().toLowerCase() === word);
}
