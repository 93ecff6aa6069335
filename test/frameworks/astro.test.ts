import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandLine } from "../support/command-line.ts";
import { BUILD_TIMEOUT, currentNode, frameworkApp, startServer } from "../support/framework-app.ts";
import { frameworks } from "../support/frameworks.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { builtApp } from "./built-app.ts";

const { skip, note } = frameworks();

/** The app of docs/frameworks/astro.md, built as its users build theirs, with sessions in cookies and in a store. */
describe.skipIf(skip).each(["cookie", "store"])(`an Astro app with sessions in a %s${note}`, (place) => {
  const { visitor, logIn, streamed } = builtApp(place, {
    name: "astro",
    page: "docs/frameworks/astro.md",
    storeFile: "src/middleware.ts",
    build: ["astro/bin/astro.mjs", "build"],
    serve: ["dist/server/entry.mjs"],
    login: "/?_action=login",
  });

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
    const { response, before, text } = await streamed("/stream", ada, "visit 1");
    expect(response.headers.getSetCookie()).toHaveLength(place === "store" ? 0 : 1);
    expect(before).not.toContain("later");
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
});

it.each(skip ? [] : ["cookie"])(
  "an Astro app with what `npx hipflask init` writes is built, and logs in, with sessions in a %s",
  async (store) => {
    const app = await frameworkApp("astro", currentNode());
    await rm(join(app.folder, "src/middleware.ts"));
    const args = ["init", "--framework", "astro", "--store", store];
    expect(await commandLine(args, { cwd: app.folder })).toMatchObject({ code: 0, err: "" });
    await app.run("astro/bin/astro.mjs", "build");
    const command = ["--env-file=.env", "dist/server/entry.mjs"];
    const server = await startServer(app.folder, () => command, {}, currentNode());
    const login = await new PlainVisitor(server.url).post("/?_action=login", { username: "ada" });
    expect(login.setCookie).toEqual([
      expect.stringMatching(/^session=\S+; Secure; HttpOnly; Path=\/; SameSite=Lax$/),
    ]);
    expect(login.body).toContain("hello, ada");
    await server.stop();
    await app.remove();
  },
  BUILD_TIMEOUT,
);
