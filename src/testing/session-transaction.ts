import { checkOptions } from "../check-options.ts";
import { NoSecretKeyError } from "../errors.ts";
import type { SessionManager } from "../manager/manager.ts";
import { stateOf, type Session } from "../session/session.ts";
import type { CookieJar } from "./cookie-jar.ts";

/** Options of `sessionTransaction`. */
export interface SessionTransactionOptions {
  /** The URL whose cookies in the jar are used. Default `"http://localhost/"`. */
  readonly url?: string;
}

/**
 * Flask's `session_transaction`: opens the session of a jar's cookies, passes it to `change`, saves it like a response, and
 * stores the cookie in the jar. Works with cookies and with stores. While `change` runs, `session` of `hipflask` is that
 * session, so it can call functions of the app.
 *
 * For any client with a jar; {@link testClient} has this as a method.
 *
 * @returns what `change` returns
 * @throws NoSecretKeyError without a secret key; the errors of `change`, after which nothing is saved
 * @example
 * ```ts
 * import { SessionManager } from "hipflask";
 * import { sessionTransaction } from "hipflask/testing";
 * import { CookieJar } from "tough-cookie";
 *
 * const manager = new SessionManager({ secretKey: "test" });
 * const jar = new CookieJar();
 * await sessionTransaction(manager, jar, (session) => {
 *   session.username = "ada";
 * });
 * console.log((await jar.getCookieString("http://localhost/")).slice(0, 12)); // session=eyJ1
 * ```
 */
export async function sessionTransaction<Result>(
  sessions: SessionManager,
  jar: CookieJar,
  change: (session: Session) => Result | Promise<Result>,
  options: SessionTransactionOptions = {},
): Promise<Result> {
  checkOptions("sessionTransaction", options, { url: "string" });
  const { url = "http://localhost/" } = options;
  const cookie = await jar.getCookieString(url);
  const context = sessions.requestContext({ headers: new Headers(cookie === "" ? {} : { Cookie: cookie }) });
  await context.opening;
  if (stateOf(context.session).isNull) throw new NoSecretKeyError();
  const result = await context.run(() => change(context.session));
  const headers = new Headers();
  await context.save({ status: 200, headers });
  for (const line of headers.getSetCookie()) await jar.setCookie(line, url);
  return result;
}
