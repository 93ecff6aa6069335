import { ConfigError } from "../../errors.ts";
import type { RequestContext } from "../../request/context.ts";
import { observed } from "../../http/response-headers.ts";

/**
 * Saves the session of a request and returns its response with the session's headers.
 *
 * @throws the error of the save, after which the response must not be sent
 */
export async function saveInto(response: Response, context: RequestContext): Promise<Response> {
  // The headers of redirects and of fetched responses cannot be changed in place.
  const headers = new Headers(response.headers);
  let isChanged = false;
  try {
    await context.save({ status: response.status, headers: observed(headers, () => (isChanged = true)) });
  } catch (error) {
    void response.body?.cancel();
    throw error;
  }
  if (!isChanged) return response;
  const { status, statusText, body } = response;
  return new Response(body, { status, statusText, headers });
}

/**
 * Checks that a handler returned a response.
 *
 * @param door whose `sessions` the handler is in, as in `hipflask/fetch`
 * @throws ConfigError for other values, such as undefined without `return`
 */
export function responseOf(returned: Response, door: string): Response {
  if (typeof (returned as Response | null | undefined)?.headers?.get === "function") return returned;
  const found = returned === undefined || returned === null ? String(returned) : `of type ${typeof returned}`;
  throw new ConfigError(
    `\`sessions\` of ${door} needs a Response from its handler, which returned ${found}. Is a \`return\` missing, as in ` +
      'return new Response("hello")?',
  );
}
