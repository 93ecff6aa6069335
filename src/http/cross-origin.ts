import { checkOptions } from "../check-options.ts";
import { ConfigError, ForeignOriginError } from "../errors.ts";

/** What has to be known of a request. A `Request` of the web fits as it is. */
export interface OriginRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: { get(name: string): string | null };
}

/** What {@link crossOriginProtection} lets through. */
export interface CrossOriginOptions {
  /** Origins whose pages may send unsafe requests, exactly as browsers write them: `["https://app.example.com"]`. Default none. */
  readonly trustedOrigins?: readonly string[] | undefined;
  /**
   * Says of a request that would be refused that it is let through: the callback of a provider that posts a form from
   * its own page (SAML, "Sign in with Apple"), which proves by other means where it comes from. Default none.
   */
  readonly exempt?: ((request: OriginRequest) => boolean) | undefined;
}

/** A scheme and a host, perhaps a port; nothing behind it. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/i;

/**
 * Refuses requests that a page of another origin made a browser send: CSRF. Works like `http.CrossOriginProtection` of
 * Go 1.25, without tokens and without cookies.
 *
 * GET, HEAD and OPTIONS always pass, so they must not change anything. Any other method passes if `Sec-Fetch-Site` is
 * `same-origin` or `none` (all browsers since 2023 send it to HTTPS and localhost); without that header, if the host in
 * `Origin` is the request's own; and without either, since then it does not come from a browser. A page of another
 * subdomain (`same-site`) is another origin.
 *
 * @returns throws `ForeignOriginError` (403) for a request that is refused, and does nothing for any other
 * @throws ConfigError for a trusted origin that is not one
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

/** Where an unsafe request comes from, if not from a page of its own origin; `""` where the browser does not say. */
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
 * Whether an `Origin` is that of the host itself. The scheme is not compared, since a proxy may have changed it.
 *
 * @param host the `Host` header
 * @param url of the request, which has the host where there is no such header
 */
export function isOwnOrigin(origin: string, host: string | null, url: string | undefined): boolean {
  // A sandboxed page says "null" and a file has no host: neither is an origin.
  const page = urlOf(origin);
  const given = host ?? urlOf(url)?.host;
  const own = given === undefined ? undefined : urlOf(`${page?.protocol}//${given}`);
  return Boolean(page?.host) && page!.host === own?.host;
}

/** The origins in an option, as browsers write them. @throws ConfigError for what is no list, or no origin in it */
export function checkOrigins(option: string, origins: unknown): Set<string> {
  // A text has parts as a list has members: "https://app.example.co" is in "https://app.example.com".
  if (!Array.isArray(origins))
    throw new ConfigError(`"${option}" must be a list of origins, such as ["https://app.example.com"].`);
  for (const origin of origins as unknown[]) {
    if (typeof origin === "string" && origin.includes("*"))
      throw new ConfigError(
        `${JSON.stringify(origin)} in "${option}" is a pattern, and origins are compared as they are: name each, such as "https://app.example.com".`,
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
