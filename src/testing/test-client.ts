import { checkNames } from "../check-options.ts";
import { ConfigError } from "../errors.ts";
import type { SessionManager } from "../manager/manager.ts";
import type { Session } from "../session/session.ts";
import { browserJar, type CookieJar } from "./cookie-jar.ts";
import { sessionTransaction } from "./session-transaction.ts";

/** The app of a {@link TestClient}: a function or an object that handles a `Request`, or the URL of a running server. */
export type TestedApp =
  | ((request: Request) => Response | Promise<Response>)
  | { fetch(request: Request): Response | Promise<Response> }
  | string
  | URL;

/** Options of {@link testClient}. */
export interface TestClientOptions {
  /** The app's manager; `sessionTransaction` needs it. */
  readonly sessions?: SessionManager;
  /** The base URL of paths. Default: the running server, or `"http://localhost/"`. */
  readonly url?: string;
  /** Default: a new one of tough-cookie, which must be installed. Clients can share one. */
  readonly jar?: CookieJar;
}

/** A browser for tests: it keeps cookies, and its session can be read and changed. */
export interface TestClient {
  readonly jar: CookieJar;
  /** Like `fetch`, with a path; keeps cookies and does not follow redirects. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  get(path: string): Promise<Response>;
  /** Posts a form. */
  post(path: string, form?: Readonly<Record<string, string>>): Promise<Response>;
  /**
   * Opens this browser's session, passes it to `change`, and saves it; see {@link sessionTransaction}.
   *
   * @throws ConfigError without `sessions`; NoSecretKeyError without a secret key
   */
  sessionTransaction<Result>(change: (session: Session) => Result | Promise<Result>): Promise<Result>;
}

/**
 * Creates a {@link TestClient} for an app on any framework: Hono, `fetch` handlers and h3 without a server, all others by
 * their URL.
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
