import { ConfigError } from "../../errors.ts";

/** The parts of a store's URL, decoded. */
export interface StoreUrl {
  /** As it was given. */
  readonly href: string;
  readonly scheme: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Host and port of each server; one text, `""`, where the URL names none. */
  readonly hosts: readonly string[];
  /** Without the first slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Says how to write it, and shows none of it but its scheme. */
  readonly unreadable: () => ConfigError;
}

/**
 * Reads a URL that may name several hosts. Refuses one whose password has characters that end a host name: it is not certain then
 * where the password ends, and clients quote what they cannot read.
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
