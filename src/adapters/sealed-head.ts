import type { ServerResponse } from "node:http";

/** What Node says of each: the property, or the verb in the message of the error. */
const SEALED = [
  ["headersSent", undefined],
  ["setHeader", "set"],
  ["setHeaders", "set"],
  ["appendHeader", "append"],
  ["removeHeader", "remove"],
] as const;

/**
 * Makes a response that waits for its save look as if its head had left already: frameworks then see that it was
 * answered, and a late header throws as in Node, instead of spoiling the answer in the queue.
 *
 * @returns opens the head again, with the status it had
 */
export function sealHead(res: ServerResponse): () => void {
  const { statusCode, statusMessage } = res;
  const before = SEALED.map(([name]) => Object.getOwnPropertyDescriptor(res, name));
  for (const [name, verb] of SEALED) {
    const value = verb === undefined || (() => refuse(verb));
    Object.defineProperty(res, name, { configurable: true, value });
  }
  return () => {
    for (const [at, [name]] of SEALED.entries()) {
      if (before[at] === undefined) Reflect.deleteProperty(res, name);
      else Object.defineProperty(res, name, before[at]);
    }
    res.statusCode = statusCode;
    res.statusMessage = statusMessage;
  };
}

function refuse(verb: string): never {
  const error = new Error(`Cannot ${verb} headers after they are sent to the client`);
  throw Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}
