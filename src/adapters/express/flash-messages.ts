import { ReservedNameError } from "../../errors.ts";
import type { Session } from "../../session/session.ts";

const KEY = "flash";
const ours = new WeakSet<object>();

/**
 * `req.session.flash` for both who want it: `session.flash(…)` is a method, and connect-flash keeps its messages in a
 * property of that very name. So it is a function with properties: what is set on it is kept in the session under
 * `"flash"`.
 */
export function flashMessages(session: Session, method: Session["flash"]): Session["flash"] {
  const stored = session.get(KEY) as unknown;
  const messages: Record<string | symbol, unknown> = isRecord(stored) ? stored : {};
  const keep = (): void => {
    // A caller that took all messages still has them, while the session has new ones.
    if (!session.has(KEY) || session.get(KEY) === messages) session.set(KEY, messages);
  };
  const both = new Proxy(method, {
    apply: (_, __, args: Parameters<Session["flash"]>) => method.apply(session, args),
    get(_, name) {
      if (Object.hasOwn(messages, name)) return messages[name];
      if (name === Symbol.toPrimitive || name === "toString") return refuseToBeText;
      return name === "toJSON" ? () => messages : undefined;
    },
    set(_, name, value) {
      Object.defineProperty(messages, name, { value, writable: true, enumerable: true, configurable: true });
      keep();
      return true;
    },
    deleteProperty(_, name) {
      const isThere = Object.hasOwn(messages, name);
      delete messages[name];
      if (isThere) keep();
      return true;
    },
    has: (_, name) => Object.hasOwn(messages, name),
    ownKeys: () => Reflect.ownKeys(messages),
    getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(messages, name),
  });
  ours.add(both);
  return both;
}

/**
 * `session.flash = …` as connect-flash means it: of the function itself, which has kept what it was given, and of nothing,
 * which takes all messages away.
 *
 * @throws ReservedNameError for anything else: the name of a method means the method
 */
export function setFlashMessages(session: Session, messages: unknown): void {
  if (typeof messages === "function" && ours.has(messages)) return;
  const isNothing = messages === undefined || messages === null;
  if (!isNothing && !(isRecord(messages) && Object.keys(messages).length === 0)) {
    throw new ReservedNameError(KEY);
  }
  // An empty list needs no cookie.
  if (!session.has(KEY)) return;
  if (isNothing) session.delete(KEY);
  else session.set(KEY, {});
}

/** A template that was given the method shows no message. */
function refuseToBeText(): never {
  throw new TypeError(
    "`req.session.flash` is a method and no message. Show `req.session.getFlashedMessages()`, or keep messages of your own " +
      "under another name.",
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
