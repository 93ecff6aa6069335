import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentedFiles } from "../support/documented-files.ts";
import {
  adapt,
  BUILD_TIMEOUT,
  startServer,
  starterApp,
  type FrameworkApp,
  type FrameworkServer,
} from "../support/framework-app.ts";
import { frameworks } from "../support/frameworks.ts";
import { callAction, submitForm } from "../support/next-form.ts";
import { PlainVisitor, type PlainResponse } from "../support/plain-visitor.ts";

const { skip, note, root } = frameworks();

const withoutComments = (page: PlainResponse) =>
  page.body.replaceAll(/<!--.*?-->/g, "").replaceAll("&quot;", '"');

/** What create-next-app makes, with the files of docs/frameworks/next.md and more routes, built and served as its users do. */
describe.skipIf(skip)(`a Next app${note}`, () => {
  let app: FrameworkApp;
  let server: FrameworkServer;
  const visitor = () => new PlainVisitor(server.url);
  const loggedIn = async (fields: Record<string, string> = {}) => {
    const ada = visitor();
    await submitForm(ada, "/", { username: "ada", ...fields });
    return ada;
  };

  beforeAll(async () => {
    const starter = "create-next-app/dist/index.js";
    app = await starterApp("next", [starter, "APP", "--yes", "--skip-install", "--disable-git"]);
    await adapt(app, "next.config.ts", "cacheComponents: true", "cacheComponents: true");
    const packages = "turbopack: { root: `${import.meta.dirname}/../../..`,";
    await adapt(app, "next.config.ts", "turbopack: {", packages);
    // Next checks the types of the app as well, against its own.
    await app.run("next/dist/bin/next", "build");
    const next = `${root}/node_modules/next/dist/bin/next`;
    server = await startServer(app.folder, (port) => [next, "start", "-p", String(port), "-H", "127.0.0.1"], {
      SECRET_KEY: "of the app",
    });
  }, BUILD_TIMEOUT);

  afterAll(async () => {
    await server?.stop();
    await app?.remove();
  });

  it("is what the documentation shows", () =>
    expect(documentedFiles("docs/frameworks/next.md", `${root}/next`)).toEqual([]));

  it("logs in by a server action that redirects, knows the visitor again, and logs out", async () => {
    const ada = visitor();
    const first = await ada.get("/");
    expect(first.body).toContain("hello, stranger");
    expect(first.setCookie).toEqual([]);
    expect(first.headers["cache-control"]).toContain("no-store");
    const login = await submitForm(ada, "/", { username: "ada" });
    expect([login.status, login.headers.location]).toEqual([303, "/"]);
    expect(login.setCookie).toEqual([
      expect.stringMatching(
        /^session=eyJfcGVybWFuZW50IjpmYWxzZSwidXNlcm5hbWUiOiJhZGEifQ\.[\w-]+\.[\w-]+; Path=\/; HttpOnly$/,
      ),
    ]);
    expect(withoutComments(await ada.get("/"))).toContain("hello, ada");
    const logout = await submitForm(ada, "/");
    // The page that comes with the answer knows of it already.
    expect(logout.status).toBe(200);
    expect(logout.body).toContain("hello, stranger");
    expect((await ada.get("/")).body).toContain("hello, stranger");
  });

  it("does the same for Next's own script", async () => {
    const ada = visitor();
    const login = await callAction(ada, "/", { username: "ada" });
    expect(login.headers["x-action-redirect"]).toBe("/;push");
    expect(login.setCookie).toHaveLength(1);
    expect(withoutComments(await ada.get("/"))).toContain("hello, ada");
  });

  it("saves in a route handler, where the session is current", async () => {
    const ada = visitor();
    const visits = await ada.post("/api/visits", {});
    expect(visits.body).toBe('{"visits":1,"from":"/api/visits"}');
    expect(visits.setCookie).toEqual([expect.stringMatching(/^session=[\w.-]+; HttpOnly; Path=\/$/)]);
    expect(visits.headers.vary).toMatch(/\bCookie\b/);
    expect(visits.headers["cache-control"]).toBe("no-store");
    expect((await ada.post("/api/visits", {})).body).toContain('"visits":2');
  });

  it.each([
    ["redirect()", "/api/redirect", 307, "redirected"],
    ["notFound()", "/api/missing", 404, "missed"],
  ])("keeps what a route handler wrote before %s, which throws", async (_, path, status, username) => {
    const ada = visitor();
    const answer = await ada.get(path);
    expect(answer.status).toBe(status);
    expect(answer.headers.location).toBe(status === 307 ? "/" : undefined);
    expect(answer.setCookie).toHaveLength(1);
    expect(withoutComments(await ada.get("/"))).toContain(`hello, ${username}`);
  });

  it("leaves an error to Next", async () => {
    const answer = await visitor().get("/api/crash");
    expect([answer.status, answer.setCookie]).toEqual([500, []]);
    expect(server.output()).toContain("on purpose");
  });

  it("adds its cookie to those of the handler, and merges Vary and Cache-Control", async () => {
    const answer = await visitor().get("/api/plain");
    expect(answer.body).toBe("true");
    expect(answer.setCookie.map((line) => line.split("=")[0]).toSorted()).toEqual([
      "lang",
      "session",
      "theme",
    ]);
    expect(answer.headers.vary).toMatch(/\bAccept, Cookie\b/);
    expect(answer.headers["cache-control"]).toBe("max-age=9, no-store");
  });

  it("refuses a change that nothing would save, and opens the session anew after one that is saved", async () => {
    const ada = visitor();
    const answer = await ada.post("/api/unwrapped", {});
    expect(JSON.parse(answer.body)).toEqual({
      error: expect.stringMatching(
        /^SessionReadOnlyError: This change would not be saved.*wrap.*`withSession`/,
      ),
      before: {},
      now: { visits: 1 },
    });
    expect(answer.setCookie).toHaveLength(1);
    expect((await ada.get("/api/forever")).body).toBe('{"visits":1}');
  });

  it("says that a route handler returned nothing", async () => {
    expect((await visitor().post("/api/nothing", {})).status).toBe(500);
    await expect.poll(() => server.output()).toContain("of hipflask/next needs a Response");
  });

  it.each([
    ["https,http", true],
    ["https, https", true],
    ["http,https", false],
    ["http", false],
  ])("goes by what the first of several proxies saw: %s", async (proto, isSecure) => {
    const answer = await visitor().send("POST", "/api/secure", { "X-Forwarded-Proto": proto });
    const [cookie] = answer.setCookie;
    expect(cookie).toMatch(/^auto=/);
    expect(/; Secure/i.test(cookie!)).toBe(isSecure);
  });

  it("saves once for handlers that call each other", async () => {
    const ada = visitor();
    const answer = await ada.post("/api/nested", {});
    expect(answer.body).toMatch(/^\[\{"visits":1,.*\{"visits":2,/);
    expect(answer.setCookie).toHaveLength(1);
    expect((await ada.get("/api/forever")).body).toBe('{"username":"nested","visits":2}');
  });

  it("takes a NextRequest, and gives a NextResponse", async () => {
    const ada = visitor();
    const answer = await ada.get("/next-response?as=ada");
    expect([answer.body, answer.setCookie.length]).toEqual(['"/next-response"', 1]);
    expect(answer.headers["x-middleware-set-cookie"]).toBeUndefined();
    expect(withoutComments(await ada.get("/"))).toContain("hello, ada");
  });

  it("lets a server component read, and refuses the rest with what to do instead", async () => {
    const ada = await loggedIn();
    const page = withoutComments(await ada.get("/render"));
    const told = JSON.parse(/<pre>(.*?)<\/pre>/.exec(page)![1]!) as string[];
    expect(told).toHaveLength(5);
    for (const line of told.slice(0, 4))
      expect(line).toMatch(/^SESSION_READ_ONLY: .*server action.*route handler.*proxy\.ts.*`withSession`/);
    expect(told[4]).toMatch(
      /^OUTSIDE_REQUEST: .*import { session } from "@\/lib\/session".*await session\(\)/,
    );
    expect(page).toContain("the same session");
    expect(page).toContain('<p>{"_permanent":false,"username":"ada"}</p>');
    expect(withoutComments(await ada.get("/"))).toContain("hello, ada");
  });

  it("keeps permanent sessions alive by its proxy, and leaves all others alone", async () => {
    const ada = await loggedIn({ remember: "yes" });
    for (const path of ["/", "/api/forever", "/static-page"]) {
      const answer = await ada.get(path);
      expect([path, ...answer.setCookie]).toEqual([
        path,
        expect.stringMatching(/^session=[\w.-]+; Path=\/; Expires=[^;]+; HttpOnly$/),
      ]);
      expect(answer.headers["cache-control"]).toMatch(/no-store/);
    }
    const brief = await loggedIn();
    const page = await brief.get("/static-page");
    expect(page.setCookie).toEqual([]);
    expect(page.headers["cache-control"]).not.toContain("no-store");
  });

  it("keeps the session out of what is prerendered, and takes it into what a link fetches ahead", async () => {
    const ada = await loggedIn();
    expect((await visitor().get("/account")).body).not.toContain("The orders of");
    expect(withoutComments(await ada.get("/account"))).toContain("The orders of ada");
    const ahead = { RSC: "1", "Next-Router-Prefetch": "2" };
    const { headers } = await ada.send("GET", "/account", ahead);
    const fetched = await ada.send("GET", headers.location!, ahead);
    expect(fetched.body).toMatch(/orders of.*ada/);
  });

  it("allows values that change while a page is prerendered, for every visitor", async () => {
    const ada = await loggedIn();
    await submitForm(ada, "/stored", { username: "ada" }, { form: /<form[^>]*data-name="remember"/ });
    for (const path of ["/", "/stored", "/account", "/render"]) {
      for (const someone of [ada, visitor()]) {
        expect((await someone.get(path)).status).toBe(200);
        const ahead = { RSC: "1", "Next-Router-Prefetch": "2" };
        const { headers } = await someone.send("GET", path, ahead);
        expect((await someone.send("GET", headers.location!, ahead)).status).toBe(200);
      }
    }
    expect(server.output()).not.toContain("while prerendering");
  });

  it("lets what a handler wrote win over the proxy's refresh", async () => {
    const ada = await loggedIn({ remember: "yes" });
    await ada.post("/api/visits", {});
    expect((await ada.get("/api/forever")).body).toContain('"visits":1');
    await submitForm(ada, "/");
    expect((await ada.get("/")).body).toContain("hello, stranger");
  });

  it("takes the first of several cookies, even if it is the bad one, as Flask does", async () => {
    const [ada, bob] = [await loggedIn(), visitor()];
    await submitForm(bob, "/", { username: "bob" });
    const [first, second] = [ada, bob].map((visitor) => `session=${visitor.cookies.get("session")}`);
    const seen = async (Cookie: string) => (await visitor().send("GET", "/api/forever", { Cookie })).body;
    expect(await seen(`x=1; ${first}; ${second}`)).toContain("ada");
    expect(await seen(`session=forged; ${second}`)).toBe("{}");
  });

  it("writes formats that Next would spoil into responses, and refuses to write them elsewhere", async () => {
    const ada = visitor();
    await ada.get("/api/encoded");
    expect(ada.cookies.get("django")).toContain(":");
    expect((await ada.get("/api/encoded?read")).body).toBe("django");
    expect((await ada.get("/api/encoded?action")).body).toBe("CONFIG");
  });

  describe("with a store", () => {
    it("saves in an action, and shows it in the page that comes with the answer", async () => {
      const ada = visitor();
      expect(withoutComments(await ada.get("/stored"))).toContain("<p>stranger, null, []</p>");
      const page = await submitForm(
        ada,
        "/stored",
        { username: "ada" },
        { form: /<form[^>]*data-name="remember"/ },
      );
      const shown = '<p>ada, 7, [["message","remembered"]]</p>';
      expect(withoutComments(page)).toContain(shown);
      expect(page.setCookie).toEqual([expect.stringMatching(/^stored=[\w.-]+; Path=\/; HttpOnly$/)]);
      // Pages do not remove the messages, and a handler that can save takes them.
      for (let round = 0; round < 2; round++)
        expect(withoutComments(await ada.get("/stored"))).toContain(shown);
      expect((await ada.get("/api/stored")).body).toBe('["remembered"]');
      expect((await ada.get("/api/stored")).body).toBe("[]");
      expect(withoutComments(await ada.get("/stored"))).toContain("<p>ada, 7, []</p>");
    });

    it("keeps what an action wrote before it redirected", async () => {
      const ada = visitor();
      const answer = await submitForm(ada, "/stored", {}, { form: /<form[^>]*data-name="leave"/ });
      expect([answer.status, answer.headers.location]).toEqual([303, "/stored"]);
      expect((await ada.get("/api/stored")).body).toBe('["left"]');
    });

    it("refuses what an action writes where nothing saves", async () => {
      const answer = await submitForm(visitor(), "/stored", {}, { form: /<form[^>]*data-name="forget"/ });
      expect([answer.status, answer.headers.location, answer.setCookie]).toEqual([500, undefined, []]);
      expect(server.output()).toContain("This change would not be saved");
    });

    it("ends a session also if the action fails after that", async () => {
      const ada = visitor();
      await submitForm(ada, "/stored", { username: "ada" }, { form: /<form[^>]*data-name="remember"/ });
      const thief = ada.copy();
      const answer = await submitForm(ada, "/stored", {}, { form: /<form[^>]*data-name="crash"/ });
      expect(answer.status).toBe(500);
      expect(answer.setCookie).toEqual([expect.stringMatching(/^stored=; .*Max-Age=0/)]);
      expect(withoutComments(await thief.get("/stored"))).toContain("<p>stranger, null, []</p>");
    });
  });
});
