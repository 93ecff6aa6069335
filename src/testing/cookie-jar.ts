import { ConfigError } from "../errors.ts";

/** The cookies of a test. A `CookieJar` of tough-cookie can be passed. */
export interface CookieJar {
  /** The value of a `Cookie` header for this URL; empty without a cookie. */
  getCookieString(url: string): Promise<string>;
  /** Stores a `Set-Cookie` line of a response from this URL. */
  setCookie(line: string, url: string): Promise<unknown>;
}

/** A jar like a browser's, which ignores invalid cookies. Loads tough-cookie at the first use. */
export function browserJar(): CookieJar {
  let opening: Promise<CookieJar> | undefined;
  const jar = () => (opening ??= openJar());
  return {
    getCookieString: async (url) => (await jar()).getCookieString(url),
    setCookie: async (line, url) => (await jar()).setCookie(line, url),
  };
}

async function openJar(): Promise<CookieJar> {
  const library = await import("tough-cookie").catch((cause: unknown) => {
    throw new ConfigError(
      'The test client keeps its cookies with "tough-cookie": npm install --save-dev tough-cookie, or pass a `jar`.',
      { cause },
    );
  });
  const jar = new library.CookieJar();
  return {
    getCookieString: (url) => jar.getCookieString(url),
    setCookie: (line, url) => jar.setCookie(line, url, { ignoreError: true }),
  };
}
