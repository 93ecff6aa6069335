import type { Session as RouterSession, SessionData, SessionStorage } from "react-router";
import type { RequestContext } from "../../request/context.ts";
import { cookieLine, toSameSite } from "../../http/cookie.ts";
import { ConfigError } from "../../errors.ts";
import { tuple } from "../../json/values.ts";
import { selectorOf, SessionManager } from "../../manager/manager.ts";
import type { SessionOptions } from "../../manager/options.ts";
import type { Session } from "../../session/session.ts";
import { FLASHES, isFlash } from "../../session/flash.ts";
import { parseSetCookie, type CookieOptions } from "../../http/set-cookie-line.ts";

type SerializeOptions = Parameters<SessionStorage["commitSession"]>[1];

/**
 * React Router's `SessionStorage` (and Remix 2's) for these sessions: the same cookie and the same store, with the three
 * functions that its apps call. `flash` stores messages like Flask, with the name as category. `permanent`, `owner` and
 * `regenerate`, which its sessions lack, are on the session that `getSession` of `hipflask` returns.
 *
 * `commitSession` and `destroySession` return `""`, which sets nothing, if no cookie has to be sent. A session is committed
 * once; later changes throw `SessionClosedError`.
 *
 * @throws ConfigError for invalid options
 * @example
 * ```ts
 * import { redirect, type ActionFunctionArgs } from "react-router";
 * import { sessionStorage } from "hipflask/react-router";
 *
 * const { getSession, commitSession } = sessionStorage<{ username: string }>({ secretKey: process.env.SECRET_KEY });
 *
 * export async function action({ request }: ActionFunctionArgs) {
 *   const session = await getSession(request.headers.get("Cookie"));
 *   session.set("username", String((await request.formData()).get("username")));
 *   return redirect("/", { headers: { "Set-Cookie": await commitSession(session) } });
 * }
 * ```
 */
export function sessionStorage<Data = SessionData, FlashData = Data>(
  options: SessionOptions | SessionManager,
): SessionStorage<Data, FlashData> {
  const manager = SessionManager.from(options);
  const commit = async (given: RouterSession<Data, FlashData>, overrides: SerializeOptions) => {
    if (!(given instanceof StoredSession)) {
      throw new ConfigError(
        "This session comes from another storage; commit one that `getSession` of this storage returned.",
      );
    }
    const line = await given.save();
    return line === "" || overrides === undefined ? line : overridden(line, overrides);
  };
  return {
    async getSession(cookieHeader) {
      const session = new StoredSession();
      const get = (name: string) => (name.toLowerCase() === "cookie" ? (cookieHeader ?? null) : null);
      const context = manager.requestContext({ headers: { get } }, session);
      if (context.opening !== undefined) await context.opening;
      session.context = context;
      return session as RouterSession as RouterSession<Data, FlashData>;
    },
    commitSession: commit,
    async destroySession(given, overrides) {
      if (given instanceof StoredSession) given.context.session.destroy();
      return commit(given, overrides);
    },
  };
}

/** As in Flask, the category may be any value. */
type Flash = readonly [category: unknown, message: unknown];

/** A React Router `Session` for one of ours. */
class StoredSession implements RouterSession {
  context!: RequestContext;
  #saved: Promise<string> | undefined;

  get #session(): Session {
    return this.context.session;
  }

  get id(): string {
    return selectorOf(this.#session) ?? "";
  }

  get data(): SessionData {
    const { [FLASHES]: _, ...data } = this.#session.toJSON();
    return {
      ...data,
      ...Object.fromEntries(this.#flashes().map(([name, value]) => [`__flash_${String(name)}__`, value])),
    };
  }

  has(name: string): boolean {
    return this.#session.has(name) || this.#flashes().some(([category]) => category === name);
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- React Router's own type
  get(name: string): any {
    if (this.#session.has(name)) return this.#session.get(name);
    const flashes = this.#flashes();
    const found = flashes.findLast(([category]) => category === name);
    if (found === undefined) return undefined;
    this.#keep(flashes.filter(([category]) => category !== name));
    return found[1];
  }

  set(name: string, value: unknown): void {
    this.#session.set(name, value);
  }

  flash(name: string, value: unknown): void {
    this.#keep([...this.#flashes(), tuple(name, value)]);
  }

  unset(name: string): void {
    this.#session.delete(name);
  }

  /** @returns the Set-Cookie line, the same one for every call; "" if there is none */
  save(): Promise<string> {
    return (this.#saved ??= this.#save());
  }

  async #save(): Promise<string> {
    // commitSession() has to return a cookie even if the session was only read.
    if (this.#session.size > 0) this.#session.modified = true;
    const lines: string[] = [];
    const append = (name: string, value: string) => void (name === "Set-Cookie" && lines.push(value));
    await this.context.save({ headers: { get: () => null, set: () => {}, append } });
    // A migrated session also deletes its old cookie, but React Router sends a single line.
    return lines[0] ?? "";
  }

  #flashes(): Flash[] {
    const waiting: unknown = this.#session.get(FLASHES);
    return Array.isArray(waiting) ? waiting.filter(isFlash) : [];
  }

  #keep(flashes: readonly Flash[]): void {
    if (flashes.length > 0) this.#session.set(FLASHES, flashes);
    else this.#session.delete(FLASHES);
  }
}

/** The line with the options of `commitSession` instead of the configured ones. */
function overridden(line: string, overrides: NonNullable<SerializeOptions>): string {
  const { name, value, options } = parseSetCookie(line);
  const given = Object.entries(overrides).filter(([, attribute]) => attribute !== undefined);
  const merged: CookieOptions = { ...options, ...Object.fromEntries(given) };
  const { expires, sameSite, ...rest } = merged as Omit<CookieOptions, "sameSite"> & SerializeOptions;
  return cookieLine(name, value, {
    ...rest,
    expires: expires?.getTime(),
    sameSite: sameSite === true ? "Strict" : toSameSite(String(sameSite)),
  });
}
