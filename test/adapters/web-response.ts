import { streamWithContext } from "../../src/index.ts";
import type { AppResponse } from "./conversations.ts";

/** An app's answer as a `Response` of the web. */
export function webResponse({ status = 200, headers = {}, body = "" }: AppResponse): Response {
  if (status >= 300 && status < 400)
    return Response.redirect(`http://localhost${headers.Location!}`, status as 302);
  return new Response(
    typeof body === "string" ? body : ReadableStream.from(encoded(streamWithContext(body()))),
    { status, headers },
  );
}

async function* encoded(chunks: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}
