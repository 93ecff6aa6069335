import { ReservedNameError } from "../../errors.ts";
import type { Session } from "../../session/session.ts";

const KEY = "flash";
const ours = new WeakSet<object>();

/**
 * `req.session.flash` serves two uses: `session.flash(…)` is a method, and connect-flash stores its messages in a property
 * of the same name. So it is a function with properties, which are stored in the session under `"flash"`.
 */
export function flashMessages(session: Session, method: Session["flash"]): Session["flash"] {
  const stored = session.get(KEY) as unknown;
  const messages: Record<string | symbol, unknown> = isRecord(stored) ? stored : {};
  const keep = (): void => {
    // A caller that took all messages keeps them, while the session has new ones.
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
 * `session.flash = …` as connect-flash uses it: with the function itself, which already has the messages, or with an empty
 * object, which removes all messages.
 *
 * @throws ReservedNameError for other values, since the name is that of a method
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

/** A template that prints the method would show no message. */
function refuseToBeText(): never {
  throw new TypeError(
    "`req.session.flash` is a method, not a message. Show `req.session.getFlashedMessages()`, or keep messages of your own " +
      "under another name.",
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
