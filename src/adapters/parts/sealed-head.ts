import type { ServerResponse } from "node:http";
import { isHttp2 } from "./node-arguments.ts";

/** While it is true, the response says that its head has left. */
const IS_SEALED = Symbol("hipflask.sealed");
type Sealable = ServerResponse & { [IS_SEALED]?: boolean };

/** What a method does instead, in the words of Node's own error. */
const SEALED = [
  ["setHeader", refusing("set")],
  ["setHeaders", refusing("set")],
  ["appendHeader", refusing("append")],
  ["removeHeader", refusing("remove")],
] as const;

/** One for all responses, so that they keep one shape. */
const HEADERS_SENT: PropertyDescriptor = {
  configurable: true,
  get(this: Sealable): boolean {
    return (
      this[IS_SEALED] === true || Reflect.get(Object.getPrototypeOf(this) as object, "headersSent", this)
    );
  },
};

/**
 * Makes a response that waits for its save look as if its head had left already: frameworks then see that it was
 * answered, and a late header throws as in Node, instead of spoiling the answer in the queue.
 *
 * Nothing that is put on the response is deleted again: an object that loses properties is slow from then on, and every
 * request with a store comes here.
 *
 * @returns opens the head again, with the status it had
 */
export function sealHead(res: ServerResponse): () => void {
  const { statusCode } = res;
  const statusMessage = isHttp2(res) ? undefined : res.statusMessage;
  const own = Object.getOwnPropertyDescriptor(res, "headersSent");
  const methods = SEALED.map(([name]) => res[name]);
  Object.defineProperty(res, "headersSent", HEADERS_SENT);
  (res as Sealable)[IS_SEALED] = true;
  for (const [name, refuse] of SEALED) if (res[name] !== undefined) res[name] = refuse;
  return () => {
    if (own !== undefined) Object.defineProperty(res, "headersSent", own);
    (res as Sealable)[IS_SEALED] = false;
    for (const [at, [name]] of SEALED.entries()) {
      if (methods[at] !== undefined) res[name] = methods[at] as never;
    }
    res.statusCode = statusCode;
    if (!isHttp2(res)) res.statusMessage = statusMessage!;
  };
}

function refusing(verb: string): () => never {
  return () => {
    throw headersSent(verb);
  };
}

/** Node's own error for what is too late. */
export function headersSent(verb: string): Error {
  const error = new Error(`Cannot ${verb} headers after they are sent to the client`);
  return Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}
