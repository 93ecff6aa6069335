import { sessions } from "../../src/adapters/fetch.ts";
import { session, SessionManager, type SessionOptions } from "../../src/index.ts";
import { inspector, type InspectorOptions } from "../../src/inspector.ts";
import { testClient, type TestClient } from "../../src/testing.ts";

const ORIGIN = "http://app.example";

/** An app with an inspector at `/inspect`, a visitor of it, and the page as somebody sees it who may. */
export function watchedApp(options: SessionOptions, set: Partial<InspectorOptions> = {}) {
  const manager = new SessionManager({
    secretKey: "for tests",
    ...options,
    storeOptions: { sweepEvery: 0, ...options.storeOptions },
  });
  const inspect = inspector(manager, { authorize: () => true, ...set });
  const app = sessions(manager, { onError: () => {} })(async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/inspect") return inspect(request);
    if (pathname === "/set") session.update(Object.fromEntries(searchParams));
    if (pathname === "/own") session.owner = searchParams.get("owner");
    if (pathname === "/login") session.regenerate({ keep: true });
    if (pathname === "/logout") session.destroy();
    if (pathname === "/read") return new Response(String(session.username));
    if (pathname === "/flash") session.flash("once");
    if (pathname === "/fail") throw new Error("a handler's own");
    return new Response("done");
  });
  const visitor = (): TestClient => testClient(app, { sessions: manager, url: `${ORIGIN}/` });
  const viewer = testClient(app, { url: `${ORIGIN}/` });
  /** The page's text, without tags. */
  const seen = async (): Promise<string> => textOf(await (await viewer.get("/inspect")).text());
  const send = (
    form: Record<string, string>,
    headers: Record<string, string> = { "Sec-Fetch-Site": "same-origin" },
  ) => viewer.fetch("/inspect", { method: "POST", body: new URLSearchParams(form), headers });
  return { manager, app, visitor, viewer, seen, send, cookieOf };

  async function cookieOf(client: TestClient): Promise<string> {
    return client.jar.getCookieString(`${ORIGIN}/`);
  }
}

/** What a reader sees of a page, in one line. */
export function textOf(page: string): string {
  return page
    .replace(/<(style|script)>[\s\S]*?<\/\1>/g, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
}
