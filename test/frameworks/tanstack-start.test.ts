import { describe, expect, it } from "vitest";
import { frameworks } from "../support/frameworks.ts";
import { builtApp } from "./built-app.ts";

const { skip, note, root } = frameworks();

/** The app of docs/frameworks/tanstack-start.md, built as its users build theirs, with sessions in cookies and in a store. */
describe.skipIf(skip).each(["cookie", "store"])(
  `a TanStack Start app with sessions in a %s${note}`,
  (place) => {
    const srvx = `${root}/node_modules/srvx/bin/srvx.mjs`;
    const { visitor, logIn, streamed } = builtApp(place, {
      name: "tanstack-start",
      page: "docs/frameworks/tanstack-start.md",
      storeFile: "src/server.ts",
      build: ["vite/bin/vite.js", "build"],
      serve: [srvx, "--prod", "-s", "../client", "dist/server/server.js"],
      login: "/login",
    });

    it("logs in by a form, greets once, knows the visitor again, and logs out", async () => {
      const ada = visitor();
      const first = await ada.get("/");
      expect(first.body).toContain("hello, stranger");
      expect([first.headers.vary, first.setCookie]).toEqual(["Cookie", []]);
      const login = await ada.post("/login", { username: "ada" });
      expect([login.status, login.headers.location]).toEqual([303, "/"]);
      expect(login.setCookie).toEqual([expect.stringMatching(/^session=\S+; HttpOnly; Path=\/$/)]);
      const greeted = await ada.get("/");
      expect(greeted.body).toContain("hello, ada");
      expect(greeted.body).toContain("<p>Welcome</p>");
      expect((await ada.get("/")).body).not.toContain("Welcome");
      const stolen = ada.copy();
      const logout = await ada.post("/logout", {});
      expect([logout.status, logout.headers.location]).toEqual([303, "/"]);
      expect((await ada.get("/")).body).toContain("hello, stranger");
      expect((await stolen.get("/")).body).toContain(place === "store" ? "hello, stranger" : "hello, ada");
    });

    it("refuses strangers in a route, and saves the changes of its loader", async () => {
      const refused = await visitor().get("/account");
      expect([refused.status, refused.headers.location]).toEqual([307, "/"]);
      const ada = await logIn();
      for (const visit of [1, 2]) expect((await ada.get("/account")).body).toContain(`visit ${visit}`);
    });

    it("streams, and reads the session later, where streamWithContext says so", async () => {
      const ada = await logIn();
      // To crawlers, and to clients like Node's, pages do not stream.
      const { before, text } = await streamed("/later", ada, "<p>wait</p>", {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      });
      expect(before).not.toContain("later, ada");
      expect(text).toContain("<p>later, ada</p>");
    });
  },
);
