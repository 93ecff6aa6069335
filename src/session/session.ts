import { checkNames } from "../check-options.ts";
import { otherVersions } from "../copies.ts";
import { ConfigError, ReservedNameError } from "../errors.ts";
import {
  flash,
  getFlashedMessages,
  type FlashedMessagesOptions,
  type FlashMethod,
  type GetFlashedMessagesMethod,
} from "./flash.ts";
import type { SessionStateOptions } from "./changes.ts";
import { SessionState, STATE } from "./state.ts";

/**
 * The type of your session's data. Empty; augment it in your app, and every `session` is typed.
 *
 * @example
 * ```ts
 * import { session } from "hipflask";
 * declare module "hipflask" {
 *   interface SessionData { username: string }
 * }
 * export const greet = () => `hello, ${session.username ?? "stranger"}`;
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- made to be augmented
export interface SessionData {}

/** Data as properties: every key may be absent, and names of methods remain methods. Without `SessionData`, any key is allowed. */
type Properties<Data> = keyof Data extends never
  ? // oxlint-disable-next-line typescript/no-explicit-any -- an untyped session is a plain dictionary
    { [key: string]: any }
  : { [Key in keyof Data as Key extends ReservedName ? never : Key]?: Data[Key] | undefined };

type KeyOf<Data> = keyof Data extends never ? string : (keyof Data & string) | PythonKey;
/** Keys that Flask itself stores in sessions. */
type PythonKey = "_permanent" | "_flashes";
// oxlint-disable-next-line typescript/no-explicit-any -- an untyped session is a plain dictionary
type ValueOf<Data, Key> = keyof Data extends never ? any : Key extends keyof Data ? Data[Key] : unknown;
type Patch<Data> = keyof Data extends never
  ? Record<string, unknown>
  : { [Key in keyof Data]?: Data[Key] | undefined };

/** The methods and flags of a session; see {@link Session}. */
export interface SessionMethods<Data = SessionData> {
  /**
   * True after a write to the top level. Can be set to true or false, as in Flask; nested changes are detected when the
   * session is saved.
   */
  modified: boolean;
  /** The session was accessed, so the response depends on the cookie (`Vary: Cookie`). */
  accessed: boolean;
  /**
   * Whether the cookie lasts for the configured lifetime instead of until the browser closes. Stored in the data as
   * `_permanent`, as in Flask.
   */
  permanent: boolean;
  /**
   * The id of the session's user, or null. Assign it at login: the session gets a new token and is listed under its owner,
   * so that it can be ended from other devices. If the owner changes, the data of the previous one is removed. A string, or
   * a whole number, which is converted to a string; any other value throws `UnserializableError`, since with a forgotten
   * `.id` all visitors would be logged in as the same user. Null logs out. Needs a `store`; assigning without one throws
   * `ConfigError`.
   */
  owner: string | null;
  /**
   * True if this request started the session. Always false for sessions in cookies, like Flask's `session.new`: a new one
   * does not differ from an empty one.
   */
  readonly isNew: boolean;
  /** Number of keys, `_permanent` included. */
  readonly size: number;

  /** Returns the value, or `fallback` (default `undefined`) if the key is missing. Works for every key, including names of methods. */
  readonly get: {
    <Key extends KeyOf<Data>>(key: Key): ValueOf<Data, Key> | undefined;
    <Key extends KeyOf<Data>, Fallback>(key: Key, fallback: Fallback): ValueOf<Data, Key> | Fallback;
  };
  /**
   * Stores a value; `undefined` removes the key, as does assigning it to a property.
   *
   * @throws UnserializableError if the value, or one inside it, cannot be stored in a session
   */
  readonly set: <Key extends KeyOf<Data>>(key: Key, value: ValueOf<Data, Key> | undefined) => void;
  readonly has: (key: string) => boolean;
  /** @returns whether the key existed; a missing key leaves the session unmodified. */
  readonly delete: (key: KeyOf<Data>) => boolean;
  /** Removes the key and returns its value; if it is missing, returns `fallback` (default `undefined`) and modifies nothing. */
  readonly pop: {
    <Key extends KeyOf<Data>>(key: Key): ValueOf<Data, Key> | undefined;
    <Key extends KeyOf<Data>, Fallback>(key: Key, fallback: Fallback): ValueOf<Data, Key> | Fallback;
  };
  /** Removes the last key and returns it with its value; `undefined` if the session is empty. */
  readonly popItem: () => [key: string, value: unknown] | undefined;
  /** Returns the value of the key; stores `value` first if the key is missing. */
  readonly setDefault: <Key extends KeyOf<Data>>(key: Key, value: ValueOf<Data, Key>) => ValueOf<Data, Key>;
  /** Stores every pair of an object or an iterable. Marks the session as modified even if there are none, as in Flask. */
  readonly update: (data?: Patch<Data> | Iterable<readonly [string, unknown]>) => void;
  /** Removes every key. Marks the session as modified even if it was empty, as in Flask. */
  readonly clear: () => void;
  readonly keys: () => IterableIterator<string>;
  readonly values: () => IterableIterator<unknown>;
  readonly entries: () => IterableIterator<[key: string, value: unknown]>;
  readonly [Symbol.iterator]: () => IterableIterator<[key: string, value: unknown]>;

  /**
   * Replaces the value by the result of `change`, and returns the new value as seen by this request. In a store, the change
   * is applied atomically when the session is saved, and `change` is called again if another request was faster: it must
   * have no side effects, and its result must not be used as a unique number. In a cookie, it is called once.
   */
  readonly transact: <Key extends KeyOf<Data>>(
    key: Key,
    change: (value: ValueOf<Data, Key> | undefined) => ValueOf<Data, Key>,
  ) => ValueOf<Data, Key>;
  /**
   * Call at login: drops all data except the keys in `keep` (default none; `true` keeps everything). In a store, the
   * session also gets a new token, which prevents session fixation.
   */
  readonly regenerate: (options?: { readonly keep?: readonly KeyOf<Data>[] | true }) => void;
  /** Call at logout: ends the session for good. Data written afterwards in the same request starts a new one. */
  readonly destroy: () => void;
  /**
   * Stores a message for the next page, in Flask's format. Message and category can be any value that can be stored;
   * `category` defaults to `"message"`. Typed by {@link FlashMessages}.
   */
  readonly flash: FlashMethod;
  /** Removes and returns the messages of {@link flash}. Further calls in the same request return the same messages. */
  readonly getFlashedMessages: GetFlashedMessagesMethod;
  /** Always undefined: `await session` reads it, which must not count as an access. */
  readonly then?: undefined;
  /** The data as a plain object, so `JSON.stringify(session)` works. */
  readonly toJSON: () => Record<string, unknown>;
}

/**
 * Flask's session: a dictionary that persists between the requests of a visitor.
 *
 * Data can be accessed as properties (`session.username`, `"username" in session`, `delete session.username`) and through
 * the methods of a dictionary. The name of a method is always the method: use `get` and `set` for data with such a name;
 * assigning it as a property throws `ReservedNameError`.
 */
export type Session<Data = SessionData> = SessionMethods<Data> & Properties<Data>;

/** Names that are reserved for the session's own interface. */
export type ReservedName = Exclude<keyof SessionMethods, symbol>;

const methods = {
  get(this: Session, key: string, fallback?: unknown) {
    const value = stateOf(this).get(key);
    return value === undefined ? fallback : value;
  },
  set(this: Session, key: string, value: unknown) {
    stateOf(this).set(key, value);
  },
  has(this: Session, key: string) {
    return stateOf(this).has(key);
  },
  delete(this: Session, key: string) {
    if (typeof key !== "string")
      throw misused("delete", 'delete("cart"), and session.destroy() ends the session', key);
    return stateOf(this).delete(key);
  },
  pop(this: Session, key: string, fallback?: unknown) {
    if (typeof key !== "string") throw misused("pop", 'pop("cart")', key);
    const state = stateOf(this);
    const value = state.get(key);
    return state.delete(key) ? value : fallback;
  },
  popItem(this: Session) {
    const state = stateOf(this);
    const key = [...state.keys()].at(-1) ?? "";
    const value = state.get(key);
    return state.delete(key) ? [key, value] : undefined;
  },
  setDefault(this: Session, key: string, value: unknown) {
    const state = stateOf(this);
    if (state.isNull || !state.has(key)) state.set(key, value);
    return state.get(key);
  },
  update(this: Session, data: object = {}) {
    const state = stateOf(this);
    if (typeof data !== "object" || data === null)
      throw misused("update", 'update({ username: "ada" })', data);
    state.touch();
    const pairs = Symbol.iterator in data ? (data as Iterable<[string, unknown]>) : Object.entries(data);
    for (const [key, value] of pairs) state.set(key, value);
  },
  clear(this: Session, ...args: unknown[]) {
    if (args.length > 0) throw misused("clear", "clear()", args[0]);
    stateOf(this).clear();
  },
  keys(this: Session) {
    return stateOf(this).keys();
  },
  *values(this: Session) {
    const state = stateOf(this);
    for (const key of state.keys()) yield state.get(key);
  },
  *entries(this: Session): IterableIterator<[string, unknown]> {
    const state = stateOf(this);
    for (const key of state.keys()) yield [key, state.get(key)];
  },
  transact(this: Session, key: string, change: (value: unknown) => unknown) {
    const state = stateOf(this);
    if (typeof change !== "function")
      throw misused("transact", 'transact("visits", (count) => (count ?? 0) + 1)', change);
    state.transact(key, change);
    return state.get(key);
  },
  regenerate(this: Session, options: { keep?: readonly string[] | true } = {}) {
    regenerate(stateOf(this), options);
  },
  destroy(this: Session, ...args: unknown[]) {
    if (typeof args[0] === "function") throw misused("destroy", "destroy()", args[0]);
    stateOf(this).destroy();
  },
  flash(this: Session, message: unknown, category?: unknown) {
    flash(stateOf(this), message, category);
  },
  getFlashedMessages(this: Session, options?: FlashedMessagesOptions) {
    return getFlashedMessages(stateOf(this), options);
  },
  toJSON(this: Session) {
    // Defined, not assigned, so that __proto__ is an ordinary key.
    return Object.fromEntries(this.entries());
  },
};

/** `session.regenerate`. @throws ConfigError for other arguments: a callback would never be called, and a list would keep nothing */
export function regenerate(state: SessionState, options: { keep?: readonly string[] | true } = {}): void {
  const isGroup = typeof options === "object" && options !== null && !Array.isArray(options);
  if (!isGroup) throw misused("regenerate", 'regenerate({ keep: ["cart"] })', options);
  checkNames("session.regenerate", options, ["keep"]);
  const { keep = [] } = options;
  if (keep !== true && !Array.isArray(keep))
    throw misused("regenerate", 'regenerate({ keep: ["cart"] })', keep);
  state.regenerate(keep);
}

function misused(method: string, call: string, got: unknown): ConfigError {
  const found =
    typeof got === "function"
      ? "a function: sessions have no callbacks, changes take effect at once and are saved before the response"
      : got === null
        ? "null"
        : Array.isArray(got)
          ? "a list"
          : `of type ${typeof got}`;
  return new ConfigError(`session.${method}(…) is written session.${call}; it got ${found}.`);
}

const flags = ["modified", "accessed", "permanent", "owner", "isNew", "size"] as const;
const writableFlags: ReadonlySet<string> = new Set(["modified", "accessed", "permanent", "owner"]);
const reserved: ReadonlySet<string> = new Set(["then", ...flags, ...Object.keys(methods)]);

/**
 * Whether a name is reserved for the session's own interface. Use `get` and `set` for data with such a name.
 *
 * @example
 * ```ts
 * import { isReservedName } from "hipflask";
 * console.log(isReservedName("update"), isReservedName("username")); // true false
 * ```
 */
export function isReservedName(name: string): name is ReservedName {
  return reserved.has(name);
}

/** Implements property access on a session. The target of the traps is the state. */
const handler: ProxyHandler<SessionState> = {
  get(state, name, session) {
    if (typeof name === "string") {
      if (!reserved.has(name)) return state.get(name);
      if (name in methods) return methods[name as keyof typeof methods];
      if (name === "then") return undefined;
      // Reading `accessed` does not count as an access.
      if (name !== "accessed") state.accessed = true;
      return state[name as (typeof flags)[number]];
    }
    if (name === STATE) return state;
    if (name === Symbol.iterator) return methods.entries.bind(session as Session);
    if (name === Symbol.toStringTag) return "Session";
    if (name === Symbol.toPrimitive) {
      // A page that shows the keys depends on the cookie; `console.log` uses the inspect symbol instead.
      return () => {
        state.accessed = true;
        return state.describe();
      };
    }
    return undefined;
  },
  set(state, name, value) {
    if (typeof name !== "string") return false;
    // In Flask, every use is an access, including setting a flag.
    if (name === "modified") state.accessed = true;
    if (writableFlags.has(name)) return Reflect.set(state, name, value);
    if (reserved.has(name)) throw new ReservedNameError(name);
    state.set(name, value);
    return true;
  },
  has: (state, name) => typeof name === "string" && state.has(name),
  deleteProperty(state, name) {
    if (typeof name === "string") state.delete(name);
    return true;
  },
  ownKeys: (state) => [...state.keys()],
  getOwnPropertyDescriptor(state, name) {
    if (typeof name !== "string" || !state.has(name)) return undefined;
    // A spread reads through `get`, which returns the method for a reserved name, so such keys are hidden from it.
    return { value: state.get(name), writable: true, enumerable: !reserved.has(name), configurable: true };
  },
  defineProperty(state, name, { value }) {
    if (typeof name !== "string") return false;
    state.set(name, value);
    return true;
  },
  getPrototypeOf: () => Object.prototype,
  setPrototypeOf: () => false,
  preventExtensions: () => false,
};

/** The session of a state. */
export function sessionOf(state: SessionState): Session {
  return new Proxy(state, handler) as unknown as Session;
}

/**
 * The state of a session, or of a wrapper around one. For authors of a `SessionInterface`.
 *
 * @throws ConfigError for other values, and for a session of another version of this package
 *
 * @example
 * ```ts
 * import { createSession, stateOf } from "hipflask";
 * const session = createSession({ username: "ada" });
 * console.log([...stateOf(session).fields()]); // [ [ 'username', '"ada"' ] ]
 * ```
 */
export function stateOf(session: Session): SessionState {
  const state = (session as unknown as { [STATE]?: SessionState } | undefined)?.[STATE];
  if (state === undefined) throw new ConfigError(NO_SESSION + otherVersions());
  return state;
}

/** Whether a value is this session, or a wrapper around it. */
export function isSession(value: object, session: Session): boolean {
  return (value as { [STATE]?: SessionState })[STATE] === stateOf(session);
}

const NO_SESSION =
  "This is not a session of hipflask: createSession() makes one, and each request behind sessions({ … }) has one.";

/**
 * Creates a session without a request, for implementing a `SessionInterface` and for tests.
 *
 * @param data initial content; it does not count as a modification
 * @example
 * ```ts
 * import { createSession } from "hipflask";
 * const session = createSession({ username: "ada" });
 * console.log(session.username, session.modified); // ada false
 * ```
 */
export function createSession(
  data: Record<string, unknown> = {},
  options: SessionStateOptions = {},
): Session {
  const state = new SessionState(options);
  for (const [key, value] of Object.entries(data)) state.set(key, value);
  state.modified = false;
  state.accessed = false;
  return sessionOf(state);
}
