import { asciiDomain } from "./cookie.ts";

/** Domain and path under which a browser stores a cookie: cookies of one name in two places are two cookies (RFC 6265bis §5.7). */
export interface CookiePlace {
  /** `undefined`: a host-only cookie. */
  readonly domain: string | undefined;
  readonly path: string;
}

/** The host and path of a request. */
interface Destination {
  readonly url?: string | undefined;
  readonly headers: { get(name: string): string | null };
}

/** Domains and paths with more labels are ignored. */
const MAX_DEPTH = 4;
const HOST = /^(?=.*[a-z])[\w-]+(?:\.[\w-]+)+$/;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/**
 * The domains for which a cookie of this request may have been set: none, its host, and the host's parents. Public suffixes
 * are included; browsers ignore a Set-Cookie line for one.
 */
export function possibleDomains(request: Destination): (string | undefined)[] {
  const authority = ABSOLUTE.exec(request.url ?? "")?.[1] ?? request.headers.get("Host") ?? "";
  const host = asciiDomain(authority.replace(/^.*@/, "")).toLowerCase();
  if (host.length > 253 || !HOST.test(host)) return [undefined];
  const labels = host.split(".");
  const parents = labels.slice(0, -1).map((_, index) => labels.slice(index).join("."));
  return [undefined, ...parents.slice(-MAX_DEPTH)];
}

/** The paths for which a cookie of this request may have been set, the root first. A trailing slash makes another path. */
export function possiblePaths({ url = "" }: Destination): string[] {
  const [path = ""] = url.replace(ABSOLUTE, "").split(/[?#]/, 1);
  const names = path.split("/").filter((name) => name !== "");
  const paths = names.slice(0, MAX_DEPTH - 1).map((_, index) => `/${names.slice(0, index + 1).join("/")}`);
  return ["/", ...paths.flatMap((one) => (path.startsWith(`${one}/`) ? [one, `${one}/`] : [one]))];
}

/** All places but one where the browser may store a cookie of this name that came with the request. */
export function otherPlaces(name: string, kept: CookiePlace, request: Destination): CookiePlace[] {
  // Browsers store these in one place only.
  if (/^__Host-/i.test(name)) return [];
  const domain = kept.domain === undefined ? undefined : asciiDomain(kept.domain).toLowerCase();
  const domains = new Set([...possibleDomains(request), domain]);
  const paths = new Set([kept.path, ...possiblePaths(request)]);
  return [...domains].flatMap((other) =>
    [...paths]
      .filter((path) => other !== domain || path !== kept.path)
      .map((path) => ({ domain: other, path })),
  );
}
