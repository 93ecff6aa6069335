import { ConfigError } from "../../errors.ts";

/** The parts of a store's URL, decoded. */
export interface StoreUrl {
  /** The URL as passed. */
  readonly href: string;
  readonly scheme: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Host and port of each server; a single `""` if the URL has none. */
  readonly hosts: readonly string[];
  /** The path without its first slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The error for an invalid URL. Its message has the URL's scheme and no other part of it. */
  readonly unreadable: () => ConfigError;
}

/**
 * Parses a URL that may have several hosts. Rejects a password with characters that end a host name, since it is then unclear
 * where the password ends, and clients quote the parts that they cannot parse.
 *
 * @throws ConfigError
 */
export function readUrl(href: string): StoreUrl {
  const [, scheme = "", credentials = "", host = "", rest = ""] =
    /^([^:]+):\/\/(?:([^/?#]*)@)?([^/?#]*)(.*)$/s.exec(href) ?? [];
  const hosts = host.split(",");
  if (scheme === "" || rest.includes("@") || !hosts.every((one) => URL.canParse(`${scheme}://${one}`))) {
    throw unreadable(href);
  }
  const [, username, password] = /^([^:]*):?(.*)$/s.exec(credentials)!;
  const [, path = "", query] = /^\/?([^?#]*)(?:\?([^#]*))?/s.exec(rest)!;
  return {
    href,
    scheme,
    username: decoded(username!, href) || undefined,
    password: decoded(password!, href) || undefined,
    hosts,
    path: decoded(path, href),
    query: new URLSearchParams(query),
    unreadable: () => unreadable(href),
  };
}

function unreadable(href: string): ConfigError {
  const scheme = href.slice(0, href.indexOf(":"));
  return new ConfigError(
    `The "${scheme}:" URL cannot be read. Write ${scheme}://user:password@host:port/…, with special characters in user and password percent-encoded: "/" as %2F, "#" as %23, "?" as %3F, "@" as %40, "%" as %25.`,
  );
}

function decoded(text: string, href: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw unreadable(href);
  }
}
