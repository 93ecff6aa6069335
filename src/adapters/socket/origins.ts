import { ForeignOriginError } from "../../errors.ts";
import { checkOrigins, isOwnOrigin } from "../../http/cross-origin.ts";

/** Who may open a socket. */
export interface SocketOptions {
  /**
   * Origins other than the host's own whose pages may open a socket: `["https://app.example.com"]`, or `"any"`. Browsers
   * open sockets for every page with the visitor's cookies, and nothing else prevents it. Default: none. Clients without an
   * `Origin` are not browsers, and are allowed.
   */
  readonly origins?: readonly string[] | "any" | undefined;
}

/** Creates the origin check. @throws ConfigError for invalid origins */
export function originCheck({
  origins = [],
}: SocketOptions): (headers: { get(name: string): string | null }, url: string | undefined) => void {
  if (origins === "any") return () => {};
  const trusted = checkOrigins("origins", origins);
  return (headers, url) => {
    const origin = headers.get("Origin");
    if (origin === null || trusted.has(origin) || isOwnOrigin(origin, headers.get("Host"), url)) return;
    throw new ForeignOriginError(origin, FOREIGN_SOCKET);
  };
}

const FOREIGN_SOCKET =
  "A page of another origin opened this socket. If it is yours, or if a proxy changes the Host header, name its origin in `origins`.";
