import { cp } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  BUILD_TIMEOUT,
  currentNode,
  frameworkApp,
  startServer,
  type FrameworkApp,
  type FrameworkServer,
} from "../support/framework-app.ts";
import { documentedFiles } from "../support/documented-files.ts";
import { frameworks } from "../support/frameworks.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";

const { skip, note, root } = frameworks();
const PAGE = "docs/frameworks/astro.md";

/** The app of docs/frameworks/astro.md, built as its users build theirs, with sessions in cookies and in a store. */
describe.skipIf(skip).each(["cookie", "store"])(`an Astro app with sessions in a %s${note}`, (place) => {
  let app: FrameworkApp;
  let server: FrameworkServer;
  const visitor = () => new PlainVisitor(server.url);
  const logIn = async (ada = visitor()) => {
    await ada.post("/?_action=login", { username: "ada" });
    return ada;
  };

  beforeAll(async () => {
    app = await frameworkApp("astro", currentNode());
    if (place === "store") await cp(`${root}/astro-store`, app.folder, { recursive: true });
    await app.run("astro/bin/astro.mjs", "build");
    const env = { SECRET_KEY: "of the app" };
    server = await startServer(app.folder, () => ["dist/server/entry.mjs"], env, currentNode());
  }, BUILD_TIMEOUT);

  afterAll(async () => {
    await server?.stop();
    await app?.remove();
  });

  it("is what the documentation shows", () => {
    const files = place === "store" ? ["src/middleware.ts"] : undefined;
    const folder = place === "store" ? "astro-store" : "astro";
    expect(documentedFiles(PAGE, `${root}/${folder}`, files)).toEqual([]);
  });

  it.each(place === "cookie" ? ["typescript/bin/tsc"] : [])("type-checks by %s", async (tsc) =>
    expect(await app.run(tsc, "--noEmit")).toBe(""),
  );

  it("logs in by its page's form, greets once, knows the visitor again, and logs out", async () => {
    const ada = visitor();
    const first = await ada.get("/");
    expect(first.body).toContain("hello, stranger");
    expect([first.headers.vary, first.setCookie]).toEqual(["Cookie", []]);
    const [, action = ""] = /<form method="post" action="([^"]+)"/.exec(first.body) ?? [];
    const login = await ada.post(`/${action}`, { username: "ada" });
    expect(login.setCookie).toEqual([expect.stringMatching(/^session=\S+; HttpOnly; Path=\/$/)]);
    expect(login.headers["cache-control"]).toBe("no-store");
    expect(login.body).toContain("hello, ada");
    // The layout, which is rendered with the stream, has taken the message.
    expect(login.body).toContain("<p>Welcome</p>");
    expect((await ada.get("/")).body).not.toContain("Welcome");
    expect((await ada.get("/account")).body).toBe('["ada","ada","ada"]');
    const stolen = ada.copy();
    const logout = await ada.post("/logout", {});
    expect([logout.status, logout.headers.location]).toEqual([303, "/"]);
    expect((await ada.get("/")).body).toContain("hello, stranger");
    expect((await stolen.get("/")).body).toContain(place === "store" ? "hello, stranger" : "hello, ada");
  });

  it("streams, and reads the session in what is rendered later, where it can no longer be changed", async () => {
    const ada = await logIn();
    const Cookie = [...ada.cookies].map((pair) => pair.join("=")).join("; ");
    const response = await fetch(`${server.url}/stream`, { headers: { Cookie } });
    expect(response.headers.getSetCookie()).toHaveLength(place === "store" ? 0 : 1);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("visit 1")) {
      const { done, value } = await reader.read();
      if (done) break;
      text += value;
    }
    expect(text).not.toContain("later");
    await ada.send("POST", "/release", { Origin: server.url });
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text).toContain("later: ada, SessionClosedError");
  });

  it("saves before an error page, which knows the visitor", async () => {
    const ada = await logIn();
    const crashed = await ada.get("/crash");
    expect([crashed.status, crashed.headers.vary]).toEqual([500, "Cookie"]);
    expect(crashed.body).toContain("500 for ada, visit 1");
    const gone = await ada.get("/gone");
    // With a store, what was written is not saved with a 5xx.
    const visits = place === "store" ? 1 : 2;
    expect([gone.status, gone.headers.vary]).toEqual([404, "Cookie"]);
    expect(gone.body).toContain(`404 for ada, visit ${visits}`);
    expect((await ada.get("/nowhere")).body).toContain(`404 for ada, visit ${visits}`);
  });

  it("keeps the session of a page that is rewritten", async () => {
    const ada = visitor();
    const page = await ada.get("/rewritten");
    expect(page.body).toBe('["rewritten","rewritten","rewritten"]');
    expect(page.setCookie).toHaveLength(1);
    expect((await ada.get("/")).body).toContain("hello, rewritten");
  });

  it("gives server islands the visitor's session", async () => {
    const ada = await logIn();
    const page = (await ada.get("/island")).body;
    const [, path = ""] = /await fetch\("([^"]+)"/.exec(page) ?? [];
    expect((await ada.get(path)).body).toContain("island of ada");
  });

  it("serves prerendered pages to everybody alike", async () => {
    const about = await (await logIn()).get("/about");
    expect([about.status, about.headers.vary, about.setCookie]).toEqual([200, undefined, []]);
  });

  it("never mixes 100 parallel requests of two visitors", async () => {
    const both = [await logIn(), visitor()] as const;
    const pages = await Promise.all(Array.from({ length: 100 }, (_, index) => both[index % 2]!.get("/")));
    pages.forEach(({ body }, index) =>
      expect(body).toContain(index % 2 === 0 ? "hello, ada" : "hello, stranger"),
    );
  });
});
