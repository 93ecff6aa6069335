import { ConfigError } from "../../errors.ts";

/**
 * The path in a URL of SQLite: `sqlite:sessions.db`, `sqlite:///var/lib/sessions.db`, `sqlite::memory:`.
 *
 * @throws ConfigError for none, and for a user or a port, which only a server has
 */
export function fileOf(url: string): string {
  const [, authority = ""] = /^sqlite:\/\/([^/]*)/i.exec(url) ?? [];
  if (authority.includes("@") || /:\d+$/.test(authority))
    throw new ConfigError(
      "A sqlite: URL has no user, password, host or port: it names a file on this machine, as in sqlite:sessions.db or sqlite:/var/lib/app/sessions.db. A server of SQLite, as Turso, is reached by libsql:.",
    );
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/|[^/])/, "");
  if (path === "")
    throw new ConfigError('"sqlite:" names no file; write sqlite:sessions.db or sqlite::memory:.');
  return path;
}
