import type { CookieConfig } from "../../interfaces/cookie-interface.ts";
import type { SessionState } from "../../session/state.ts";

const SETTABLE: ReadonlySet<PropertyKey> = new Set(["maxAge", "expires"]);

function refuse(name: PropertyKey): never {
  throw new TypeError(
    `session.cookie.${String(name)} cannot be set: what a cookie is apart from maxAge and expires is said by the options of sessions.`,
  );
}

/** Setting `secure` or `path` has no effect, and code that is not strict ignores what an object does not take. */
const REFUSING: ProxyHandler<SessionCookie> = {
  get: (cookie, name) => Reflect.get(cookie, name) as unknown,
  set: (cookie, name, value) => (SETTABLE.has(name) ? Reflect.set(cookie, name, value) : refuse(name)),
  defineProperty: (_, name) => refuse(name),
};

/**
 * `req.session.cookie` as Express code knows it, over what Flask has: a session is permanent, or it ends with the
 * browser. A time that is set here makes the session permanent and is what **this response** says of its cookie, never
 * more than the option `lifetime`; a later response that writes the cookie gives it the whole lifetime again.
 */
export class SessionCookie {
  readonly #state: SessionState;
  readonly #config: CookieConfig;

  constructor(state: SessionState, config: CookieConfig) {
    this.#state = state;
    this.#config = config;
    // oxlint-disable-next-line no-constructor-return -- also code that is not strict is to notice what has no effect
    return new Proxy(this, REFUSING);
  }

  /** Milliseconds the browser keeps the cookie, from this response on; null: until it closes. */
  get maxAge(): number | null {
    const { permanent, maxAge } = this.#state;
    const { lifetime } = this.#config;
    if (maxAge !== undefined) return Math.min(maxAge, lifetime) * 1000;
    return permanent ? lifetime * 1000 : null;
  }

  /** Null, undefined or false: until the browser closes. @throws TypeError for what is not a number */
  set maxAge(milliseconds: number | null | undefined | false) {
    const state = this.#state;
    if (milliseconds === null || milliseconds === undefined || milliseconds === false) {
      state.maxAge = undefined;
      if (state.permanent) state.permanent = false;
      return;
    }
    if (typeof milliseconds !== "number" || Number.isNaN(milliseconds)) {
      throw new TypeError("session.cookie.maxAge must be a number of milliseconds, or null.");
    }
    // A session without data stays without a cookie, and becomes permanent with its first data.
    if (state.size > 0) state.permanent = true;
    state.maxAge = Math.max(0, milliseconds / 1000);
  }

  /** The same as {@link maxAge}: what counts down here begins anew with every cookie. */
  get originalMaxAge(): number | null {
    return this.maxAge;
  }

  /** When the browser forgets the cookie of this response; null: when it closes. */
  get expires(): Date | null {
    const { maxAge } = this;
    return maxAge === null ? null : new Date(this.#config.now() + maxAge);
  }

  /** Null, undefined or false: when the browser closes. @throws TypeError for what is not a date */
  set expires(date: Date | number | null | undefined | false) {
    const isNever = date === null || date === undefined || date === false;
    this.maxAge = isNever ? null : Number(date) - this.#config.now();
  }

  toJSON(): { originalMaxAge: number | null; expires: Date | null } {
    return { originalMaxAge: this.originalMaxAge, expires: this.expires };
  }
}
