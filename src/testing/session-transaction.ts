import { checkOptions } from "../check-options.ts";
import { NoSecretKeyError } from "../errors.ts";
import type { SessionManager } from "../manager/manager.ts";
import { stateOf, type Session } from "../session/session.ts";
import type { CookieJar } from "./cookie-jar.ts";

/** Where a transaction takes place. */
export interface SessionTransactionOptions {
  /** Decides which cookies of the jar are sent. Default `"http://localhost/"`. */
  readonly url?: string;
}

/**
 * Flask's `session_transaction`: opens the session behind a jar's cookies through the app's own interface, hands it out,
 * saves it as a response would, and puts the cookie into the jar. With cookies and with a store. `session` of
 * `hipflask` is that session while `change` runs, so functions of the app can be called in it.
 *
 * For any client that has a jar; {@link testClient} has one and offers this as a method.
 *
 * @returns what `change` returns
 * @throws NoSecretKeyError if there can be no session; whatever `change` throws, and then nothing is saved
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
