import { cp } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentedFiles } from "../support/documented-files.ts";
import {
  BUILD_TIMEOUT,
  currentNode,
  frameworkApp,
  startServer,
  type FrameworkApp,
  type FrameworkServer,
} from "../support/framework-app.ts";
import { frameworks } from "../support/frameworks.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";

const { skip, note, root } = frameworks();
const PAGE = "docs/frameworks/tanstack-start.md";

/** The app of docs/frameworks/tanstack-start.md, built as its users build theirs, with sessions in cookies and in a store. */
describe.skipIf(skip).each(["cookie", "store"])(
  `a TanStack Start app with sessions in a %s${note}`,
  (place) => {
    let app: FrameworkApp;
    let server: FrameworkServer;
    const visitor = () => new PlainVisitor(server.url);
    const logIn = async (ada = visitor()) => {
      await ada.post("/login", { username: "ada" });
      return ada;
    };

    beforeAll(async () => {
      app = await frameworkApp("tanstack-start", currentNode());
      if (place === "store") await cp(`${root}/tanstack-start-store`, app.folder, { recursive: true });
      await app.run("vite/bin/vite.js", "build");
      const srvx = `${root}/node_modules/srvx/bin/srvx.mjs`;
      const command = () => [srvx, "--prod", "-s", "../client", "dist/server/server.js"];
      server = await startServer(app.folder, command, { SECRET_KEY: "of the app" }, currentNode());
    }, BUILD_TIMEOUT);

    afterAll(async () => {
      await server?.stop();
      await app?.remove();
    });

    it("is what the documentation shows", () => {
      const files = place === "store" ? ["src/server.ts"] : undefined;
      const folder = place === "store" ? "tanstack-start-store" : "tanstack-start";
      expect(documentedFiles(PAGE, `${root}/${folder}`, files)).toEqual([]);
    });

    it.each(place === "cookie" ? ["typescript/bin/tsc"] : [])("type-checks by %s", async (tsc) =>
      expect(await app.run(tsc, "--noEmit")).toBe(""),
    );

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

    it("turns strangers away in a route, and saves what its loader wrote", async () => {
      const refused = await visitor().get("/account");
      expect([refused.status, refused.headers.location]).toEqual([307, "/"]);
      const ada = await logIn();
      for (const visit of [1, 2]) expect((await ada.get("/account")).body).toContain(`visit ${visit}`);
    });

    it("streams, and reads the session later, where streamWithContext says so", async () => {
      const ada = await logIn();
      const Cookie = [...ada.cookies].map((pair) => pair.join("=")).join("; ");
      // To crawlers, and to clients like Node's, pages do not stream.
      const headers = {
        Cookie,
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      };
      const response = await fetch(`${server.url}/later`, { headers });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (!text.includes("<p>wait</p>")) {
        const { done, value } = await reader.read();
        if (done) break;
        text += value;
      }
      expect(text).not.toContain("later, ada");
      await ada.send("POST", "/release", { Origin: server.url });
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
      expect(text).toContain("<p>later, ada</p>");
    });

    it("never mixes 100 parallel requests of two visitors", async () => {
      const both = [await logIn(), visitor()] as const;
      const pages = await Promise.all(Array.from({ length: 100 }, (_, index) => both[index % 2]!.get("/")));
      pages.forEach(({ body }, index) =>
        expect(body).toContain(index % 2 === 0 ? "hello, ada" : "hello, stranger"),
      );
    });
  },
);
