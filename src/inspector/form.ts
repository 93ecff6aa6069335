import { ConfigError } from "../errors.ts";

/** Maximum length of a form: a pasted cookie, escaped. */
const LONGEST = 64 * 1024;

/**
 * Whether a POST comes from a page of the same origin. Browsers send `Sec-Fetch-Site`, older ones `Origin`; a request
 * without either does not come from the inspector.
 */
export function isSameOrigin(request: Request): boolean {
  const site = request.headers.get("Sec-Fetch-Site");
  if (site !== null) return site === "same-origin";
  const origin = request.headers.get("Origin");
  if (origin === null || !URL.canParse(origin)) return false;
  // The scheme may differ behind a proxy that terminates TLS; both contain the port.
  return new URL(origin).host === (request.headers.get("Host") ?? new URL(request.url).host);
}

/**
 * Reads the fields of a form; `undefined` if it is too long.
 *
 * @throws ConfigError if the body was read before
 */
export async function readForm(request: Request): Promise<URLSearchParams | undefined> {
  if (request.bodyUsed) {
    throw new ConfigError("The body was already read; mount the inspector before body parsers.");
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
