import type { ServerResponse } from "node:http";

const NAMES = ["headersSent", "setHeader", "setHeaders", "appendHeader", "removeHeader"] as const;

/**
 * Makes a response that waits for its save look as if its head had left already: frameworks then see that it was
 * answered, and a late header throws as in Node, instead of spoiling the answer in the queue.
 *
 * @returns opens the head again, with the status it had
 */
export function sealHead(res: ServerResponse): () => void {
  const { statusCode, statusMessage } = res;
  const before = NAMES.map((name) => Object.getOwnPropertyDescriptor(res, name));
  for (const name of NAMES) {
    Object.defineProperty(res, name, { configurable: true, value: name === "headersSent" || refuse });
  }
  return () => {
    for (const [at, name] of NAMES.entries()) {
      if (before[at] === undefined) Reflect.deleteProperty(res, name);
      else Object.defineProperty(res, name, before[at]);
    }
    res.statusCode = statusCode;
    res.statusMessage = statusMessage;
  };
}

function refuse(): never {
  const error = new Error("Cannot change headers after they are sent to the client");
  throw Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}
