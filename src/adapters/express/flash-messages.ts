import type { Session } from "../../session/session.ts";

const KEY = "flash";

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
  return new Proxy(method, {
    apply: (_, __, args: Parameters<Session["flash"]>) => method.apply(session, args),
    get(_, name) {
      if (Object.hasOwn(messages, name)) return messages[name];
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
}

/** `session.flash = …`, of the function itself as well as of an object of messages. */
export function setFlashMessages(session: Session, messages: unknown): void {
  // The function has kept what it was given; no messages need no cookie.
  if (typeof messages === "function") return;
  if (isRecord(messages) && Object.keys(messages).length === 0 && !session.has(KEY)) return;
  if (messages === undefined) session.delete(KEY);
  else session.set(KEY, messages);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
