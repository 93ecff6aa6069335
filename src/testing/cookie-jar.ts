import { ConfigError } from "../errors.ts";

/** Where a test keeps its cookies. A `CookieJar` of tough-cookie fits as it is. */
export interface CookieJar {
  /** The value of a `Cookie` header for this URL; empty without a cookie. */
  getCookieString(url: string): Promise<string>;
  /** Takes one `Set-Cookie` line of an answer from this URL. */
  setCookie(line: string, url: string): Promise<unknown>;
}

/** A jar like a browser's: what does not belong in it is dropped without a word. Needs tough-cookie when first used. */
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
