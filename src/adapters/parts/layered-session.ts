import { ReservedNameError } from "../../errors.ts";
import type { Session } from "../../session/session.ts";
import { INSPECT } from "../../session/state.ts";

/** The session below a layer. */
export interface Base {
  session: Session;
}

/**
 * A session with additional names: those of `extra` take precedence over the session's own. Use `get` and `set` for data
 * with such a name, as for names of methods.
 *
 * @param base called at every use, so that the session below can be replaced
 */
export function layered<Extra extends object>(base: Base, extra: Extra): Extra & Session {
  // `console.log` shows the target of a proxy: keys, as for any session, and never values.
  const target = { [INSPECT]: () => String(base.session) };
  return new Proxy<object>(target, {
    get(_, name) {
      return Object.hasOwn(extra, name) ? Reflect.get(extra, name) : Reflect.get(base.session, name);
    },
    set(_, name, value) {
      if (!Object.hasOwn(extra, name)) return Reflect.set(base.session, name, value);
      if (Object.getOwnPropertyDescriptor(extra, name)?.set === undefined)
        throw new ReservedNameError(String(name));
      return Reflect.set(extra, name, value);
    },
    has: (_, name) => Reflect.has(base.session, name),
    deleteProperty: (_, name) => Reflect.deleteProperty(base.session, name),
    ownKeys: () => Reflect.ownKeys(base.session),
    getOwnPropertyDescriptor(_, name) {
      const found = Reflect.getOwnPropertyDescriptor(base.session, name);
      return found && { ...found, enumerable: found.enumerable === true && !Object.hasOwn(extra, name) };
    },
    defineProperty: (_, name, descriptor) => Reflect.defineProperty(base.session, name, descriptor),
    getPrototypeOf: () => Object.prototype,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  }) as Extra & Session;
}
