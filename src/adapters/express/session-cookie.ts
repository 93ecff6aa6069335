import type { CookieConfig } from "../../interfaces/cookie-interface.ts";
import type { SessionState } from "../../session/state.ts";

const SETTABLE: ReadonlySet<PropertyKey> = new Set(["maxAge", "expires"]);

function refuse(name: PropertyKey): never {
  throw new TypeError(
    `session.cookie.${String(name)} cannot be set: except maxAge and expires, the options of sessions configure the cookie.`,
  );
}

/** Setting `secure` or `path` has no effect, and sloppy-mode code does not notice a failed assignment. */
const REFUSING: ProxyHandler<SessionCookie> = {
  get: (cookie, name) => Reflect.get(cookie, name) as unknown,
  set: (cookie, name, value) => (SETTABLE.has(name) ? Reflect.set(cookie, name, value) : refuse(name)),
  defineProperty: (_, name) => refuse(name),
};

/**
 * `req.session.cookie` of express-session, implemented by Flask's `permanent`: a session is permanent, or it ends with the
 * browser. Setting a time makes the session permanent and applies to the cookie of **this response**, at most the option
 * `lifetime`; a later response that writes the cookie uses the whole lifetime again.
 */
export class SessionCookie {
  readonly #state: SessionState;
  readonly #config: CookieConfig;

  constructor(state: SessionState, config: CookieConfig) {
    this.#state = state;
    this.#config = config;
    // oxlint-disable-next-line no-constructor-return -- sloppy-mode code must notice assignments without effect
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
    // A session without data has no cookie, and becomes permanent with its first data.
    if (state.size > 0) state.permanent = true;
    state.maxAge = Math.max(0, milliseconds / 1000);
  }

  /** The same as {@link maxAge}, since every cookie restarts the time. */
  get originalMaxAge(): number | null {
    return this.maxAge;
  }

  /** When the cookie of this response expires; null: when the browser closes. */
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
