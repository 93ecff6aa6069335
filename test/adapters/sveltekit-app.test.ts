import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  BUILD_TIMEOUT,
  frameworkApp,
  startServer,
  type FrameworkApp,
  type FrameworkServer,
} from "../support/framework-app.ts";
import { frameworks } from "../support/frameworks.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { documentedFiles } from "../support/documented-files.ts";

const { skip, note, root } = frameworks();

/** The app of docs/frameworks/sveltekit.md, built as its users build theirs. */
describe.skipIf(skip)(`a SvelteKit app${note}`, () => {
  let app: FrameworkApp;
  let server: FrameworkServer;
  const visitor = () => new PlainVisitor(server.url);

  beforeAll(async () => {
    app = await frameworkApp("sveltekit");
    await app.run("vite/bin/vite.js", "build");
    server = await startServer(app.folder, () => ["build"], { SECRET_KEY: "of the app" });
  }, BUILD_TIMEOUT);

  afterAll(async () => {
    await server?.stop();
    await app?.remove();
  });

  it("is what the documentation shows", () =>
    expect(documentedFiles("docs/frameworks/sveltekit.md", `${root}/sveltekit`)).toEqual([]));

  it("type-checks", async () => expect(await app.run("typescript/bin/tsc", "--noEmit")).toBe(""));

  it("logs in by a form action, knows the visitor again, and logs out", async () => {
    const ada = visitor();
    const first = await ada.get("/");
    expect(first.body).toContain("hello, stranger");
    expect([first.headers.vary, first.setCookie]).toEqual(["Cookie", []]);
    const html = { Accept: "text/html" };
    const login = await ada.post("/?/login", { username: "ada" }, html);
    expect([login.status, login.headers.location]).toEqual([303, "/"]);
    expect(login.setCookie).toEqual([expect.stringMatching(/^session=eyJ1c2VybmFtZSI6ImFkYSJ9\./)]);
    expect((await ada.get("/")).body).toContain("hello, ada");
    expect((await ada.get("/account")).body).toBe('{"username":"ada"}');
    await ada.post("/?/logout", {}, html);
    expect((await ada.get("/")).body).toContain("hello, stranger");
  });

  it("keeps what a hook wrote before it redirected", async () => {
    const stranger = visitor();
    const guarded = await stranger.get("/account");
    expect([guarded.status, guarded.headers.location]).toEqual([303, "/"]);
    expect(guarded.setCookie).toEqual([expect.stringMatching(/^session=.*; Path=\/; HttpOnly$/)]);
    expect((await stranger.get("/")).body).toContain("<p>Log in first</p>");
    expect((await stranger.get("/")).body).not.toContain("Log in first");
  });

  it("prerenders pages that do not look at the session, and serves them to everybody", async () => {
    const about = await visitor().get("/about");
    expect([about.status, about.setCookie]).toEqual([200, []]);
    expect(about.headers.vary).not.toContain("Cookie");
    expect(about.body).toContain("the same for everybody");
  });

  it("shares the session of a page with what the page fetches from its own app", async () => {
    const ada = visitor();
    const page = await ada.get("/summary");
    // Svelte parts text and values by comments.
    expect(page.body.replaceAll(/<!--.*?-->/g, "")).toContain("visits 2, here 2, a stranger's 1");
    expect(page.setCookie).toHaveLength(1);
    expect((await ada.post("/visits", {})).body).toBe('{"visits":3}');
    expect((await ada.get("/")).body).toContain("hello, summarised");
  });
});
