import { ReservedNameError } from "../../errors.ts";
import type { Session } from "../../session/session.ts";
import { INSPECT } from "../../session/state.ts";

/** The session that a layer stands on. */
export interface Base {
  session: Session;
}

/**
 * A session with more names: those of `extra` come first, all others are the session's own. Data under such a name is
 * reached with `get` and `set`, as data named like any method.
 *
 * @param base asked at every use, so that the session below can be exchanged
 */
export function layered<Extra extends object>(base: Base, extra: Extra): Extra & Session {
  // What `console.log` shows of a proxy is its target: names, as for any session, and never values.
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
