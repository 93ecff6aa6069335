import { ConfigError } from "../../errors.ts";

/**
 * A store's name with the address of its server, if the client's settings have one: `Redis at 127.0.0.1:6379`. Only contains host,
 * port or socket path, never user names, passwords or options.
 */
export function addressOf(engine: string, client: unknown): string {
  const address = addressIn(client);
  return address === undefined ? engine : `${engine} at ${address}`;
}

/**
 * Property paths to clients' settings: ioredis with Sentinels (whose `host` is unused), pg and ioredis, @redis/client,
 * clusters of either, mysql2, memcached, a collection of mongodb.
 */
const PLACES: ReadonlyArray<readonly string[]> = [
  ["options", "sentinels", "0"],
  ["options"],
  ["options", "socket"],
  ["_options", "rootNodes", "0"],
  ["startupNodes", "0"],
  ["pool", "config", "connectionConfig"],
  ["config", "connectionConfig"],
  ["servers", "0"],
  ["client", "options", "hosts", "0"],
];

function addressIn(client: unknown): string | undefined {
  for (const place of PLACES) {
    let settings: unknown = client;
    for (const name of place) settings = property(settings, name);
    const address = endpoint(settings);
    if (address !== undefined) return address;
  }
  return undefined;
}

function endpoint(settings: unknown): string | undefined {
  if (typeof settings === "string") return /^[\w.-]+:\d+$/.test(settings) ? settings : hostOf(settings);
  for (const name of ["url", "connectionString", "uri"]) {
    const url = property(settings, name);
    if (typeof url === "string") return hostOf(url);
  }
  const path = property(settings, "path") ?? property(settings, "socketPath");
  if (typeof path === "string" && path.startsWith("/")) return path;
  // In postgres.js, both are arrays.
  const [host, port] = ["host", "port"].map((name) => [property(settings, name)].flat()[0]);
  // A URL with a password can be where a host or a port is wanted.
  if (typeof host !== "string" || !/^(?:[\w.-]+|[\da-f:.]+)$/i.test(host)) return undefined;
  return /^\d+$/.test(String(port)) ? `${host}:${String(port)}` : host;
}

/**
 * Host and port of a URL; `undefined` if they are ambiguous, because a password that is not percent-encoded may contain `/`, `?`
 * or `#`.
 */
export function hostOf(url: string): string | undefined {
  const [, authority, rest] = /^[a-z][a-z+.-]*:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  if (authority === undefined || rest!.includes("@")) return undefined;
  return authority.slice(authority.lastIndexOf("@") + 1) || undefined;
}

/**
 * The path in a `sqlite:` URL: `sqlite:sessions.db`, `sqlite:///var/lib/sessions.db`, `sqlite::memory:`.
 *
 * @throws ConfigError if the path is missing, and for a URL with a user or a port
 */
export function fileOf(url: string): string {
  const [, rest = ""] = /^sqlite:\/\/([^/].*)$/is.exec(url) ?? [];
  // A password that is not percent-encoded may contain a slash.
  if (rest.includes("@") || /^[^/]*:\d+(?:\/|$)/.test(rest))
    throw new ConfigError(
      "A sqlite: URL has no user, password, host or port: it names a file on this machine, as in sqlite:sessions.db or sqlite:/var/lib/app/sessions.db. For Turso and other libSQL servers, use libsql:.",
    );
  const path = url.slice("sqlite:".length).replace(/^\/\/(?=\/|[^/])/, "");
  if (path === "")
    throw new ConfigError('"sqlite:" names no file; write sqlite:sessions.db or sqlite::memory:.');
  return path;
}

function property(of: unknown, name: string): unknown {
  // A client of postgres.js is a function.
  return (typeof of === "object" && of !== null) || typeof of === "function"
    ? (of as Record<string, unknown>)[name]
    : undefined;
}
