import type { RequestContext } from "../request/context.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";

/**
 * Saves the session of a request and gives its response, with the session's headers.
 *
 * @throws whatever the save fails with; the response is not to be sent then
 */
export async function saveInto(response: Response, context: RequestContext): Promise<Response> {
  const headers = new PendingHeaders(response.headers);
  try {
    await context.save({ status: response.status, headers });
  } catch (error) {
    void response.body?.cancel();
    throw error;
  }
  return headers.applyTo(response);
}

/** Collects header changes, since the headers of redirects and of fetched responses cannot be changed in place. */
class PendingHeaders implements ResponseHeaders {
  readonly #headers: Headers;
  #isChanged = false;

  constructor(given: Headers) {
    this.#headers = new Headers(given);
  }

  get(name: string): string | null {
    return this.#headers.get(name);
  }

  set(name: string, value: string): void {
    this.#headers.set(name, value);
    this.#isChanged = true;
  }

  append(name: string, value: string): void {
    this.#headers.append(name, value);
    this.#isChanged = true;
  }

  applyTo(response: Response): Response {
    if (!this.#isChanged) return response;
    const { status, statusText, body } = response;
    return new Response(body, { status, statusText, headers: this.#headers });
  }
}
