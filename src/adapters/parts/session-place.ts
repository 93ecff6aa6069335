import { ConfigError, ReservedNameError, SessionClosedError } from "../../errors.ts";
import { contextOf, type RequestContext } from "../../request/context.ts";
import { isReservedName, isSession, stateOf, type Session } from "../../session/session.ts";

/**
 * Implements `request.session = value` as in other libraries: `null` ends the session, and an object replaces its data.
 * Other values are errors.
 *
 * @param isTaken whether a name is reserved in addition to those of every session
 * @throws TypeError; ReservedNameError, UnserializableError for data that cannot be shown or stored. Then nothing has changed
 */
export function assign(
  session: Session,
  value: unknown,
  isTaken: (name: string) => boolean = () => false,
): void {
  if (value === null || value === undefined) session.destroy();
  else if (!isData(value))
    throw new TypeError("A session can only be set to null, which ends it, or to an object with data.");
  else if (!isSession(value, session)) {
    const data = { ...value };
    const { json, ownerNow } = stateOf(session);
    const entries = Object.entries(data).filter(([, item]) => item !== undefined);
    // `clear` would end the login, which assigning a changed copy of the session must not do.
    if (ownerNow !== null && entries.length > 0) throw new TypeError(OWNED);
    // Data that cannot be stored is refused before anything changes.
    for (const [key, item] of entries) {
      if (isReservedName(key) || isTaken(key)) throw new ReservedNameError(key);
      json.dumps(item, key);
    }
    session.clear();
    session.update(data);
  }
}

const OWNED =
  "This session has an owner, and an object replaces only data. Write session.update(data) to keep the login, or " +
  "session.destroy() before it to end the login.";

/** The getter and setter of the property where a framework has the session. */
class SessionPlace {
  readonly #session: Session;
  #isEmpty = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Null after it was set to null, until there is data again. */
  get session(): Session | null {
    return this.#isEmpty ? null : this.#session;
  }

  set session(value: unknown) {
    assign(this.#session, value);
    this.#isEmpty = value === null || value === undefined;
  }
}

/** The property that `placeSession` defines. */
export interface SessionLocals {
  /**
   * This visitor's session. Deleting it or setting it to null ends the session. Setting it to an object replaces the data of
   * a session without an owner; anything else throws a TypeError.
   */
  get session(): Session;
  set session(data: Session | Record<string, unknown> | null);
}

const PLACE = Symbol("hipflask.session");

/** Shared by all requests, and created at the first access. */
const SESSION: PropertyDescriptor & ThisType<{ [PLACE]: SessionPlace }> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[PLACE].session;
  },
  set(value: unknown) {
    this[PLACE].session = value;
  },
};

/**
 * Defines the property `session` of a framework's own object.
 *
 * @param onError called if the property is deleted after the headers were sent
 */
export function placeSession(
  target: object,
  context: RequestContext,
  onError?: (error: unknown) => void,
): void {
  const place = new SessionPlace(context.session);
  const placed = target as { [PLACE]?: SessionPlace };
  placed[PLACE] = place;
  Object.defineProperty(target, "session", SESSION);
  settleDeletion(target, place, context, SESSION, () => placed[PLACE] === place, onError);
}

/**
 * Deleting the property `session` of a framework's object ends the session, like setting it to null, and a value set
 * afterwards is assigned. Deleting cannot be intercepted, so this checks before the session is saved. The save fails for a login
 * in the same request, since the order is unknown. A later deletion is reported to `onError`.
 *
 * @param isOurs whether the property is still that of this session, and not of an inner one
 */
export function settleDeletion(
  target: object,
  place: { session: unknown },
  context: RequestContext,
  property: PropertyDescriptor,
  isOurs: () => boolean,
  onError?: (error: unknown) => void,
): void {
  const { session } = context;
  context.beforeSave(() => {
    const found = replacedProperty(target, session, property);
    if (found === undefined || !isOurs()) return;
    if (stateOf(session).identity === "regenerated") throw new ConfigError(DELETED);
    place.session = null;
    if (found.value !== null && found.value !== undefined) place.session = found.value;
    Object.defineProperty(target, "session", property);
  });
  if (onError === undefined) return;
  context.afterAnswer(() => {
    if (replacedProperty(target, session, property) !== undefined && isOurs())
      onError(new SessionClosedError(DELETED_LATE));
  });
}

/** What is there now, if the property was deleted. */
function replacedProperty(
  target: object,
  session: Session,
  { get }: PropertyDescriptor,
): { readonly value: unknown } | undefined {
  const found = Object.getOwnPropertyDescriptor(target, "session");
  if (found !== undefined && found.get === get) return undefined;
  const value: unknown = found?.get === undefined ? found?.value : found.get.call(target);
  const isSame = typeof value === "object" && value !== null && isSession(value, session);
  return isSame ? undefined : { value };
}

const DELETED_LATE =
  "The property `session` was deleted after the response's headers were sent, so the session goes on. End it with `session.destroy()` " +
  "before the first byte leaves.";
const DELETED =
  "The property `session` was deleted in a request that regenerates its session or logs a user in, so it is unclear which session is " +
  "to end. Write `session.destroy()` instead of deleting it.";

/**
 * @param key by which the session of the request is found: the inner one, where a request has two
 * @throws ConfigError if the property has another value, which cannot be intercepted
 */
export function assertInPlace(found: unknown, key: object, place: string): void {
  if (found === contextOf(key)?.session) return;
  throw new ConfigError(
    `\`${place}\` was set to another value, which does not change the session. Use \`session.destroy()\` or ` +
      "`session.update(data)`, and another name for other things.",
  );
}

function isData(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
