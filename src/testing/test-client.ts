import { checkNames } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import type { SessionManager } from "../manager/manager.ts";
import type { Session } from "../session/session.ts";
import { browserJar, type CookieJar } from "./cookie-jar.ts";
import { sessionTransaction } from "./session-transaction.ts";

/** What a {@link TestClient} talks to: a function or an object that answers a `Request`, or the URL of a running server. */
export type TestedApp =
  | ((request: Request) => Response | Promise<Response>)
  | { fetch(request: Request): Response | Promise<Response> }
  | string
  | URL;

/** What a {@link TestClient} is made with. */
export interface TestClientOptions {
  /** The manager the app's sessions come from; `sessionTransaction` needs it. */
  readonly sessions?: SessionManager;
  /** What paths are relative to. Default: the running server, or `"http://localhost/"`. */
  readonly url?: string;
  /** Default: a new one of tough-cookie, which has to be installed then. Two clients may share one. */
  readonly jar?: CookieJar;
}

/** A browser for tests: it keeps cookies, and one can look into its session and change it. */
export interface TestClient {
  readonly jar: CookieJar;
  /** As the platform's `fetch`, with a path; cookies are kept, redirects are not followed. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  get(path: string): Promise<Response>;
  /** Sends a form. */
  post(path: string, form?: Readonly<Record<string, string>>): Promise<Response>;
  /**
   * Opens this browser's session, hands it out, and saves it; see {@link sessionTransaction}.
   *
   * @throws ConfigError without `sessions`; NoSecretKeyError if there can be no session
   */
  sessionTransaction<Result>(change: (session: Session) => Result | Promise<Result>): Promise<Result>;
}

/**
 * A {@link TestClient} for an app on any framework: Hono, `fetch` handlers and h3 without a server, all others by the
 * URL they listen on.
 *
 * @example
 * ```ts
 * import { session, SessionManager } from "hipflask";
 * import { sessions } from "hipflask/fetch";
 * import { testClient } from "hipflask/testing";
 *
 * const manager = new SessionManager({ secretKey: "test" });
 * const app = sessions(manager)(() => new Response(`hello, ${session.username ?? "stranger"}`));
 *
 * const client = testClient(app, { sessions: manager });
 * await client.sessionTransaction((session) => {
 *   session.username = "ada";
 * });
 * console.log(await (await client.get("/")).text()); // hello, ada
 * ```
 */
export function testClient(app: TestedApp, options: TestClientOptions = {}): TestClient {
  checkNames("testClient", options, ["sessions", "url", "jar"]);
  const isServer = typeof app === "string" || app instanceof URL;
  const base = options.url ?? (isServer ? String(app) : "http://localhost/");
  const { sessions, jar = browserJar() } = options;
  const answer = isServer
    ? fetch
    : typeof app === "function"
      ? app
      : (request: Request) => app.fetch(request);

  const client: TestClient = {
    jar,
    async fetch(path, init = {}) {
      const url = new URL(path, base).href;
      const headers = new Headers(init.headers);
      const cookie = await jar.getCookieString(url);
      if (cookie !== "" && !headers.has("Cookie")) headers.set("Cookie", cookie);
      const response = await answer(new Request(url, { ...init, headers, redirect: "manual" }));
      for (const line of response.headers.getSetCookie()) await jar.setCookie(line, url);
      return response;
    },
    get: (path) => client.fetch(path),
    post: (path, form = {}) => client.fetch(path, { method: "POST", body: new URLSearchParams(form) }),
    async sessionTransaction(change) {
      if (sessions === undefined) {
        throw new ConfigError("sessionTransaction needs the app's manager: testClient(app, { sessions }).");
      }
      return sessionTransaction(sessions, jar, change, { url: base });
    },
  };
  return client;
}
