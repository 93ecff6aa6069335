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

/** What an adapter lays over sessions in the property of its framework. One for all requests. */
export interface SessionLayer {
  /** Called at the first access of a request, and after {@link SessionPlace.renew}: most requests do not access theirs. */
  readonly create: (place: SessionPlace) => Session;
  /** Whether a name is reserved in addition to those of every session. */
  readonly isTaken: (name: string) => boolean;
  /** Called after the property was set to null. */
  readonly onEnd?: ((context: RequestContext) => void) | undefined;
}

/** The session of one request in the property of a framework's own object. */
export class SessionPlace {
  readonly context: RequestContext;
  readonly #layer: SessionLayer | undefined;
  #shown: Session | null | undefined;

  constructor(context: RequestContext, layer: SessionLayer | undefined) {
    this.context = context;
    this.#layer = layer;
  }

  /** Null after it was set to null, until there is data again. */
  get session(): Session | null {
    if (this.#shown === undefined) this.#shown = this.#layer?.create(this) ?? this.context.session;
    return this.#shown;
  }

  set session(value: unknown) {
    const isEnd = value === null || value === undefined;
    if (value === this.#shown && !isEnd) return;
    assign(this.context.session, value, this.#layer?.isTaken);
    this.#shown = isEnd ? null : undefined;
    if (isEnd) this.#layer?.onEnd?.(this.context);
  }

  /** Lets the next access show another object. */
  renew(): void {
    this.#shown = undefined;
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
type Placed = { [PLACE]: SessionPlace };

/** Shared by all requests. */
const SESSION: PropertyDescriptor & ThisType<Placed> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[PLACE].session;
  },
  set(value: unknown) {
    this[PLACE].session = value;
  },
};
const KEPT_SESSION: PropertyDescriptor = { ...SESSION, configurable: false };

/** The place of the session in an object that has one. */
export function placeOf(target: object): SessionPlace {
  return (target as Placed)[PLACE];
}

/**
 * Defines the property `session` of a framework's own object. Deleting it ends the session, like setting it to null, and a
 * value set afterwards is assigned. Deleting cannot be intercepted, so this checks before the session is saved. The save fails
 * for a login in the same request, since the order is unknown.
 *
 * @param onError called if the property is deleted after the headers were sent
 * @param layer default: the property has the session itself
 */
export function placeSession(
  target: object,
  context: RequestContext,
  onError?: (error: unknown) => void,
  layer?: SessionLayer,
): void {
  const place = new SessionPlace(context, layer);
  (target as Placed)[PLACE] = place;
  Object.defineProperty(target, "session", SESSION);
  context.beforeSave(() => {
    const found = replacedProperty(target, place);
    if (found === undefined) return;
    if (stateOf(context.session).identity === "regenerated") throw new ConfigError(DELETED);
    place.session = null;
    if (found.value !== null && found.value !== undefined) place.session = found.value;
    Object.defineProperty(target, "session", SESSION);
  });
  if (onError === undefined) return;
  context.afterAnswer(() => {
    if (replacedProperty(target, place) !== undefined) onError(new SessionClosedError(DELETED_LATE));
  });
}

/** The same for a session that nothing looks at before it is saved: deleting the property throws. */
export function placeKeptSession(target: object, context: RequestContext, layer: SessionLayer): void {
  (target as Placed)[PLACE] = new SessionPlace(context, layer);
  Object.defineProperty(target, "session", KEPT_SESSION);
}

/** What is there now, if the property was deleted. Nothing if it is an inner session's. */
function replacedProperty(target: object, place: SessionPlace): { readonly value: unknown } | undefined {
  const found = Object.getOwnPropertyDescriptor(target, "session");
  if ((found !== undefined && found.get === SESSION.get) || placeOf(target) !== place) return undefined;
  const value: unknown = found?.get === undefined ? found?.value : found.get.call(target);
  const isSame = typeof value === "object" && value !== null && isSession(value, place.context.session);
  return isSame ? undefined : { value };
}

const DELETED_LATE =
  "The property `session` was deleted after the response's headers were sent, so the session goes on. End it with `session.destroy()` " +
  "before the first byte leaves.";
const DELETED =
  "The property `session` was deleted in a request that regenerates its session or logs a user in, so it is unclear which session is " +
  "to end. Write `session.destroy()` instead of deleting it.";

/**
 * For a place that has another value than the session, which cannot be intercepted.
 *
 * @param key by which the session of the request is found: the inner one, where a request has two
 * @throws ConfigError unless it is the inner one
 */
export function assertInnerSession(found: unknown, key: object, place: string): void {
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
