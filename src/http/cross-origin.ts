import { checkOptions } from "../check-options.ts";
import { ConfigError, ForeignOriginError } from "../errors.ts";

/** The parts of a request that are needed. A web-standard `Request` can be passed. */
export interface OriginRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: { get(name: string): string | null };
}

/** Exceptions of {@link crossOriginProtection}. */
export interface CrossOriginOptions {
  /** Origins whose pages may send unsafe requests, exactly as browsers send them: `["https://app.example.com"]`. Default none. */
  readonly trustedOrigins?: readonly string[] | undefined;
  /**
   * Returns true for a request that is allowed although it would be refused: the callback of a provider that posts a form
   * from its own page (SAML, "Sign in with Apple") and is authenticated by other means. Default none.
   */
  readonly exempt?: ((request: OriginRequest) => boolean) | undefined;
}

/** A scheme, a host and an optional port. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i;

/**
 * Prevents CSRF: refuses requests that a page of another origin made a browser send. Works like
 * `http.CrossOriginProtection` of Go 1.25, without tokens and without cookies.
 *
 * GET, HEAD and OPTIONS always pass, so they must not change anything. Any other method passes if `Sec-Fetch-Site` is
 * `same-origin` or `none` (all browsers since 2023 send it to HTTPS and localhost); without that header, if the host of
 * `Origin` is the request's own; and without both, since such a request does not come from a browser. A page of another
 * subdomain (`same-site`) is another origin.
 *
 * @returns a function that throws `ForeignOriginError` (403) for a request that is refused
 * @throws ConfigError for an invalid trusted origin
 * @example
 * ```ts
 * import { crossOriginProtection } from "hipflask/csrf";
 *
 * const protect = crossOriginProtection({ trustedOrigins: ["https://app.example.com"] });
 * export function handle(request: Request): Response {
 *   protect(request); // throws ForeignOriginError
 *   return new Response("saved\n");
 * }
 * ```
 */
export function crossOriginProtection(options: CrossOriginOptions = {}): (request: OriginRequest) => void {
  checkOptions("crossOriginProtection", options, { trustedOrigins: "any", exempt: "function" });
  const { trustedOrigins = [], exempt } = options;
  const trusted = checkOrigins("trustedOrigins", trustedOrigins);
  return (request) => {
    const origin = foreignOriginOf(request);
    if (origin === undefined || trusted.has(origin) || exempt?.(request) === true) return;
    throw new ForeignOriginError(origin);
  };
}

/** The foreign origin of an unsafe request; `""` if the browser does not send it; `undefined` if it is allowed. */
function foreignOriginOf({ method, url, headers }: OriginRequest): string | undefined {
  if (method === undefined || method === "GET" || method === "HEAD" || method === "OPTIONS") return undefined;
  const site = headers.get("Sec-Fetch-Site");
  const origin = headers.get("Origin");
  if (site === "same-origin" || site === "none") return undefined;
  if (site !== null && site !== "") return origin ?? "";
  return origin === null || origin === "" || isOwnOrigin(origin, headers.get("Host"), url)
    ? undefined
    : origin;
}

/**
 * Whether an `Origin` has the request's host. The scheme is not compared, since a proxy may have changed it.
 *
 * @param host the `Host` header
 * @param url of the request, for its host if there is no such header
 */
export function isOwnOrigin(origin: string, host: string | null, url: string | undefined): boolean {
  // A sandboxed page sends "null" and a file has no host: neither is an origin.
  const page = urlOf(origin);
  const given = host ?? urlOf(url)?.host;
  const own = given === undefined ? undefined : urlOf(`${page?.protocol}//${given}`);
  return Boolean(page?.host) && page!.host === own?.host;
}

/** Checks a list of origins. @throws ConfigError unless it is a list, and for an item that is not an origin */
export function checkOrigins(option: string, origins: unknown): Set<string> {
  // `includes` of a string finds substrings: "https://app.example.com" includes "https://app.example.co".
  if (!Array.isArray(origins))
    throw new ConfigError(`"${option}" must be a list of origins, such as ["https://app.example.com"].`);
  for (const origin of origins as unknown[]) {
    if (typeof origin === "string" && origin.includes("*"))
      throw new ConfigError(
        `${JSON.stringify(origin)} in "${option}" is a pattern, but origins are compared exactly: list each, such as "https://app.example.com".`,
      );
    const url = typeof origin === "string" ? urlOf(origin) : undefined;
    const isSpecial = url !== undefined && url.origin !== "null";
    if (typeof origin === "string" && ORIGIN.test(origin) && (!isSpecial || url.origin === origin)) continue;
    const hint = isSpecial ? `; write ${JSON.stringify(url.origin)}` : ', such as "https://app.example.com"';
    throw new ConfigError(`${JSON.stringify(origin)} in "${option}" is not an origin${hint}.`);
  }
  return new Set(origins as string[]);
}

function urlOf(text: string | undefined): URL | undefined {
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
}
