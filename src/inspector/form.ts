import { ConfigError } from "../errors.ts";

/** Longest form: a pasted cookie, escaped. */
const LONGEST = 64 * 1024;

/**
 * Whether a POST comes from a page of this very origin. Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; who
 * says nothing is not a page of the inspector.
 */
export function isSameOrigin(request: Request): boolean {
  const site = request.headers.get("Sec-Fetch-Site");
  if (site !== null) return site === "same-origin";
  const origin = request.headers.get("Origin");
  if (origin === null || !URL.canParse(origin)) return false;
  // The scheme may differ behind a proxy that ends TLS, and the port stands in both.
  return new URL(origin).host === (request.headers.get("Host") ?? new URL(request.url).host);
}

/**
 * The fields of a form; `undefined` for one that is too long.
 *
 * @throws ConfigError if the body was read before
 */
export async function readForm(request: Request): Promise<URLSearchParams | undefined> {
  if (request.bodyUsed) {
    throw new ConfigError(
      "Something before the inspector has read the form; mount it before what parses bodies.",
    );
  }
  if (Number(request.headers.get("Content-Length") ?? 0) > LONGEST) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > LONGEST) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
