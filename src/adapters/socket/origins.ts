import { ForeignOriginError } from "../../errors.ts";
import { isOwnOrigin } from "../../http/cross-origin.ts";

/** Who may open a socket. */
export interface SocketOptions {
  /**
   * Origins whose pages may open a socket besides those of the host itself: `["https://app.example.com"]`, or `"any"`.
   * Browsers open sockets for every page with the visitor's cookies, and nothing else stops them. Default: none. Clients
   * that send no `Origin` are not browsers, and pass.
   */
  readonly origins?: readonly string[] | "any" | undefined;
}

/** @throws ForeignOriginError for a socket that a page of another origin opens */
export function refuseForeign(
  headers: { get(name: string): string | null },
  url: string | undefined,
  origins: readonly string[] | "any",
): void {
  const origin = headers.get("Origin");
  if (origin === null || origins === "any" || origins.includes(origin)) return;
  if (!isOwnOrigin(origin, headers.get("Host"), url)) throw new ForeignOriginError(origin, FOREIGN_SOCKET);
}

const FOREIGN_SOCKET =
  "A page of another origin opened this socket. If it is yours, or if a proxy changes the Host header, name its origin in `origins`.";
