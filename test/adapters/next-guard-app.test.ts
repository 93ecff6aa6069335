import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentedFiles } from "../support/documented-files.ts";
import {
  BUILD_TIMEOUT,
  frameworkApp,
  startServer,
  type FrameworkApp,
  type FrameworkServer,
} from "../support/framework-app.ts";
import { frameworks } from "../support/frameworks.ts";
import { submitForm } from "../support/next-form.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";

const { skip, note, root } = frameworks();

/** A proxy of the app's own, and a store that takes its time or fails. */
describe.skipIf(skip)(`a Next app with a guard${note}`, () => {
  let app: FrameworkApp;
  let server: FrameworkServer;
  const visitor = () => new PlainVisitor(server.url);

  beforeAll(async () => {
    app = await frameworkApp("next-guard");
    await app.run("next/dist/bin/next", "build");
    const next = `${root}/node_modules/next/dist/bin/next`;
    server = await startServer(app.folder, (port) => [next, "start", "-p", String(port), "-H", "127.0.0.1"], {
      SECRET_KEY: "of the guard",
    });
  }, BUILD_TIMEOUT);

  afterAll(async () => {
    await server?.stop();
    await app?.remove();
  });

  it("is what the documentation shows", () =>
    expect(documentedFiles("docs/frameworks/next.md", `${root}/next-guard`, ["proxy.ts"])).toEqual([]));

  it("keeps what the proxy wrote before it redirected", async () => {
    const stranger = visitor();
    const guarded = await stranger.get("/account");
    expect([guarded.status, guarded.headers.location]).toEqual([307, "/"]);
    expect(guarded.setCookie).toHaveLength(1);
    expect(guarded.headers["cache-control"]).toBe("no-store");
    expect((await stranger.get("/")).body).toContain("Log in first");
  });

  it("lets visitors through, and their page sees the session that the proxy refreshed", async () => {
    const ada = visitor();
    await ada.post("/login", { username: "ada" });
    const page = await ada.get("/account");
    expect(page.body).toContain("<p>{&quot;_permanent&quot;:true,&quot;username&quot;:&quot;ada&quot;}</p>");
    expect(page.setCookie).toEqual([expect.stringMatching(/^session=[\w.-]+; Path=\/; Expires=/)]);
  });

  const ask = (path: string, store: string) => visitor().send("GET", path, { "x-store": store });
  const ways: Record<string, number> = {
    send: 200,
    json: 200,
    redirect: 307,
    "own-redirect": 302,
    missing: 404,
    forbidden: 403,
    stream: 200,
  };

  it.concurrent.each(Object.entries(ways))(
    "sends no byte of /slow/%s before the save",
    async (way, status) => {
      const answer = await ask(`/slow/${way}`, "slow");
      expect(answer.status).toBe(status);
      expect(answer.setCookie).toEqual([expect.stringMatching(/^session=saved;/)]);
      expect(answer.body.includes("success")).toBe(status === 200);
    },
  );

  it.concurrent.each(Object.keys(ways))(
    "answers 503 in place of /slow/%s when the store is down",
    async (way) => {
      const answer = await ask(`/slow/${way}`, "down");
      expect([answer.status, answer.setCookie, answer.headers.location, answer.headers.etag]).toEqual([
        503,
        [],
        undefined,
        undefined,
      ]);
      expect(answer.body).not.toMatch(/success|on purpose/);
    },
  );

  it.each([
    ["closed", 503],
    ["busy", 409],
    ["broken", 500],
  ])("answers for a store that is %s with %i", async (store, status) => {
    const answer = await ask("/slow/send", store);
    expect([answer.status, answer.setCookie]).toEqual([status, []]);
    expect(answer.headers["retry-after"]).toBe(status === 503 ? "5" : undefined);
    expect(answer.body).not.toMatch(/success|on purpose/);
  });

  it("saves by hand in an action before it redirects, and does not redirect if that fails", async () => {
    const saved = await submitForm(visitor(), "/act", {}, { headers: { "x-store": "slow" } });
    expect([saved.status, saved.headers.location]).toEqual([303, "/success"]);
    expect(saved.setCookie).toEqual([expect.stringMatching(/^session=saved;/)]);
    const failed = await submitForm(visitor(), "/act", {}, { headers: { "x-store": "down" } });
    expect([failed.status, failed.setCookie, failed.headers.location]).toEqual([500, [], undefined]);
    expect(failed.body).not.toContain("on purpose");
  });
});
