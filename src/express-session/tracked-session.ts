import { type Mac, signExpressValue } from "../accepts/cookie-value.ts";
import type { HeldContext } from "../adapters/parts/held-response.ts";
import type { SessionResponse } from "../interfaces/session-interface.ts";
import { StoreError } from "../errors.ts";
import { type Answer, askStore } from "../stores/parts/callback-stores.ts";
import type { SessionCallback } from "./session-store.ts";
import type { Config } from "./options.ts";
import { cookieOptionsOf, isSecure, readSessionId } from "./request-facts.ts";
import { isSame, Session, type SessionRequest, type Version, versionOf } from "./session.ts";
import { Cookie, setCookieLine } from "./cookie.ts";

/** A save in progress, and further callbacks that wait for it. */
interface Saving {
  readonly version: Version;
  readonly waiting: SessionCallback[];
}

const STATE = Symbol("hipflask.express-session");
type Marked = SessionRequest & { [STATE]?: TrackedSession };

/** Sets an empty session on a request, and tracks it if the request passed through the middleware. */
export function generateFor(req: SessionRequest, fallback: Config): void {
  const state = (req as Marked)[STATE];
  if (state === undefined) generate(req, fallback);
  else state.generate();
}

/** The session of one request: opens it, detects changes, and saves it with the response. */
export class TrackedSession implements HeldContext {
  readonly #config: Config;
  readonly #req: SessionRequest;
  readonly #signature: Mac;
  /** The session's id in the visitor's cookie. */
  readonly #cookieId: string | undefined;
  /** The session at the start of the request. */
  #original: Version | undefined;
  /** The stored session, as far as known. */
  #saved: Version | undefined;
  #saving: Saving | undefined;
  /** While the session is being destroyed: further callbacks that wait for it. */
  #ending: SessionCallback[] | undefined;
  #isTouched = false;
  #isUnset = false;

  constructor(req: SessionRequest, signature: Mac, config: Config) {
    this.#config = config;
    this.#req = req;
    this.#signature = signature;
    this.#cookieId = readSessionId(req, config.name, signature);
    req.sessionStore = config.store;
    req.sessionID = this.#cookieId;
    (req as Marked)[STATE] = this;
  }

  /** @param then called with an error, or without one after `req.session` is set */
  open(then: SessionCallback): void {
    const begin = (): void => {
      this.generate();
      this.#original = versionOf(this.#req.session!);
    };
    const id = this.#cookieId;
    if (id === undefined) return attempt(begin, then);
    this.#ask(
      "get",
      (answer) => this.#config.store.get(id, answer),
      (error, data) => {
        const isMissing = (error as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
        if (error && !isMissing) return then(error);
        const resume = (): void => {
          this.#inflate(data);
          this.#original = versionOf(this.#req.session!);
        };
        attempt(error || !data ? begin : resume, then);
      },
    );
  }

  generate(): void {
    generate(this.#req, this.#config);
    this.#watch(this.#req.session!);
  }

  /** Saves and sets the cookie, when the headers are about to be sent. */
  save(response: SessionResponse): Promise<void> | undefined {
    return this.#whenEnded(() => this.#commit(response));
  }

  /** Saves changes made after the headers were sent. A cookie can no longer be set. */
  saveLate(): Promise<void> | undefined {
    return this.#whenEnded(() => this.#commitLate());
  }

  /** The response waits for a logout even if the handler did not. */
  #whenEnded(then: () => Promise<void> | undefined): Promise<void> | undefined {
    const ending = this.#ending;
    if (ending === undefined) return then();
    return new Promise<void>((resolve, reject) => {
      ending.push((error) => (error ? reject(error as Error) : resolve()));
    }).then(then);
  }

  #commit({ headers }: SessionResponse): Promise<void> | undefined {
    const { session, sessionID } = this.#req;
    if (!session) return this.#destroyUnset();
    assertSession(session);
    if (!this.#isTouched) session.touch();
    this.#isTouched = true;
    if (typeof sessionID !== "string") return undefined;
    const version = versionOf(session);
    const { cookie } = session;
    if (this.#wantsCookie(session, version) && (!cookie.secure || this.#isSecure())) {
      const value = signExpressValue(sessionID, this.#signature);
      headers.append("Set-Cookie", setCookieLine(this.#config.name, value, cookie.data));
    }
    if (this.#wantsSave(version)) return this.#persist(session, version);
    const { store } = this.#config;
    if (typeof store.touch !== "function" || sessionID !== this.#cookieId) return undefined;
    return settled((done) => this.#ask("touch", (answer) => store.touch!(sessionID, session, answer), done));
  }

  #commitLate(): Promise<void> | undefined {
    const { session, sessionID } = this.#req;
    if (!session) return this.#destroyUnset();
    assertSession(session);
    if (typeof sessionID !== "string") return undefined;
    const version = versionOf(session);
    return this.#wantsSave(version) ? this.#persist(session, version) : undefined;
  }

  #isSecure(): boolean {
    return isSecure(this.#req, this.#config.proxy);
  }

  #wantsCookie(session: Session, version: Version): boolean {
    const isChanged = !isSame(version, this.#original);
    if (this.#cookieId !== this.#req.sessionID) return this.#config.saveUninitialized || isChanged;
    return this.#config.rolling || (isChanged && session.cookie.expires != null);
  }

  #wantsSave(version: Version): boolean {
    const isUninitialized = this.#saved === undefined && this.#cookieId !== this.#req.sessionID;
    if (isUninitialized && !this.#config.saveUninitialized) return !isSame(version, this.#original);
    return !isSame(version, this.#saved);
  }

  #persist(session: Session, version: Version): Promise<void> | undefined {
    return settled((done) => {
      // Waits for a save that the handler did not wait for.
      if (isSame(version, this.#saving?.version)) this.#saving!.waiting.push(done);
      else this.#ask("set", (answer) => session.save(answer), done);
    });
  }

  #destroyUnset(): Promise<void> | undefined {
    const { session, sessionID } = this.#req;
    if (!this.#config.destroysUnset || !sessionID || session != null || this.#isUnset) return undefined;
    this.#isUnset = true;
    const { store } = this.#config;
    return settled((done) => this.#ask("destroy", (answer) => store.destroy(sessionID, answer), done));
  }

  #inflate(data: unknown): void {
    this.#config.store.createSession(this.#req, data);
    const session = this.#req.session!;
    this.#watch(session);
    if (!this.#config.resave) this.#saved = versionOf(session);
  }

  /** Wraps the methods of a session of any library's class to make them safe. */
  #watch(session: Session): void {
    const methods = {
      save: (then?: SessionCallback) => this.#saveNow(session, then),
      reload: (then?: SessionCallback) => this.#reload(session, then),
      destroy: (then?: SessionCallback) => this.#destroy(session, then),
      regenerate: (then?: SessionCallback) => this.#regenerate(then),
    };
    for (const [name, method] of Object.entries(methods)) {
      const value = (then?: SessionCallback): Session => {
        method(then);
        return session;
      };
      Object.defineProperty(session, name, { configurable: true, writable: true, value });
    }
  }

  #saveNow(session: Session, then?: SessionCallback): void {
    let saving: Saving | undefined;
    this.#ask(
      "set",
      (answer) => {
        saving = this.#saving = { version: versionOf(session), waiting: [] };
        return this.#config.store.set(session.id, session, answer);
      },
      (error) => {
        if (!error) this.#saved = saving!.version;
        if (this.#saving === saving) this.#saving = undefined;
        for (const told of saving?.waiting ?? []) told(error);
        then?.(error);
      },
    );
  }

  #reload(session: Session, then?: SessionCallback): void {
    this.#ask(
      "get",
      (answer) => this.#config.store.get(session.id, answer),
      (error, data) => {
        if (error) return then?.(error);
        if (!data) return then?.(new Error("failed to load session"));
        attempt(() => this.#inflate(data), then);
      },
    );
  }

  #destroy(session: Session, then?: SessionCallback): void {
    delete this.#req.session;
    this.#end(session.id, then);
  }

  #regenerate(then?: SessionCallback): void {
    this.#end(this.#req.sessionID!, (error) =>
      attempt(
        () => this.generate(),
        (failure) => then?.(error ?? failure),
      ),
    );
  }

  #end(id: string, then?: SessionCallback): void {
    const waiting: SessionCallback[] = (this.#ending = []);
    this.#ask(
      "destroy",
      (answer) => this.#config.store.destroy(id, answer),
      (error) => {
        if (this.#ending === waiting) this.#ending = undefined;
        for (const told of waiting) told(error);
        then?.(error);
      },
    );
  }

  #ask(verb: string, ask: (answer: Answer) => unknown, then: Answer): void {
    const { storeTimeout } = this.#config;
    const timer = setTimeout(() => {
      const seconds = storeTimeout / 1000;
      give(
        new StoreError("timeout", `The session store did not answer "${verb}" within ${seconds} seconds.`),
      );
    }, storeTimeout);
    timer.unref();
    const give = askStore(verb, ask, (...result) => {
      clearTimeout(timer);
      then(...result);
    });
  }
}

/** @throws TypeError if a handler replaced the session by another value */
function assertSession({ touch, cookie }: Partial<Session>): void {
  if (typeof touch === "function" && typeof cookie === "object") return;
  throw new TypeError(
    "`req.session` was set to a value that is not a session, so nothing was saved. Set its properties, call " +
      "`req.session.regenerate(callback)` for an empty one, or set it to null.",
  );
}

/** Sets an empty session with a new id on a request. */
function generate(req: SessionRequest, config: Config): void {
  req.sessionID = config.newId(req);
  const session = new Session(req);
  const cookie = new Cookie(cookieOptionsOf(req, config));
  if (cookie.secure === "auto") cookie.secure = isSecure(req, config.proxy);
  if (cookie.sameSite === "auto") cookie.sameSite = isSecure(req, config.proxy) ? "none" : "lax";
  session.cookie = cookie;
  req.session = session;
}

/**
 * Converts a callback-style operation to a step of a held response.
 *
 * @returns `undefined` if it completes synchronously
 * @throws the error if it fails synchronously
 */
function settled(start: (done: SessionCallback) => void): Promise<void> | undefined {
  let done: { readonly error: unknown } | undefined;
  let settle: SessionCallback = (error) => (done = { error });
  start((error) => settle(error));
  if (done?.error) throw done.error;
  if (done) return undefined;
  return new Promise((resolve, reject) => {
    settle = (error) => (error ? reject(error as Error) : resolve());
  });
}

/** Calls a callback with the result; an error thrown by the callback is not an error of the operation. */
function attempt(act: () => void, then: SessionCallback = () => {}): void {
  try {
    act();
  } catch (error) {
    then(error);
    return;
  }
  then();
}
