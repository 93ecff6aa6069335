import { createEventStream, H3, HTTPError, redirect, serve as listenH3 } from "h3";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/h3.ts";
import { createSession, getSession, session, type SessionOptions, StoreError } from "../../src/index.ts";
import { turns } from "../support/turns.ts";
import { savesBeforeHeaders, writeLate } from "./before-headers.ts";
import { conversations, type Harness } from "./conversations.ts";
import type { Listening } from "./listen.ts";
import { webResponse } from "./web-response.ts";

const build = (options: SessionOptions, onError?: (error: HTTPError) => unknown): H3 =>
  new H3({ silent: true, ...(onError && { onError }) }).use(sessions(options));

async function serve(app: H3): Promise<Listening> {
  const server = await listenH3(app, { port: 0, hostname: "127.0.0.1", silent: true }).ready();
  return { port: Number(new URL(server.url!).port), close: () => server.close(true) };
}

const harness: Harness = {
  serve(answer, options) {
    // h3 shows the messages of errors; ours are not for visitors.
    const app = build(options, ({ status }) => new Response("sorry", { status }));
    app.all("/**", async ({ req, url }) =>
      webResponse(await answer({ method: req.method, path: url.pathname })),
    );
    return serve(app);
  },
};

conversations("hipflask/h3", harness);

savesBeforeHeaders(
  "hipflask/h3",
  (options) => {
    const app = build(options).use(() => void (session.seen = true));
    app.get("/send", (event) => {
      event.res.headers.set("ETag", "success");
      return "success";
    });
    app.get("/json", () => ({ success: true }));
    app.get("/redirect", () => redirect("/send"));
    app.get("/pipe", () => Readable.toWeb(createReadStream(import.meta.filename)));
    app.get("/events", (event) => {
      const stream = createEventStream(event);
      void turns(5).then(async () => {
        await stream.push("success");
        await stream.push(writeLate());
        await stream.close();
      });
      return stream.send();
    });
    app.get("/throws", () => {
      throw new HTTPError("failed on purpose", { status: 418 });
    });
    return serve(app);
  },
  {
    "/send": { body: "success" },
    "/json": { body: '{"success":true}' },
    "/redirect": { status: 302 },
    "/pipe": { body: "createReadStream" },
    "/throws": { status: 418 },
    "/nowhere": { status: 404 },
  },
);

describe("hipflask/h3", () => {
  const secretKey = "h3";

  it("puts the session where h3 people look for it", async () => {
    const app = build({ secretKey }).get("/", (event) => {
      event.context.session.username = "ada";
      return [session, getSession(event), getSession(event.req)].map(({ username }) => username);
    });
    const answer = await app.request("/");
    expect(await answer.json()).toEqual(["ada", "ada", "ada"]);
    expect(answer.headers.getSetCookie()).toHaveLength(1);
  });

  it("refuses what a stream of events writes", async () => {
    const app = build({ secretKey }).get("/", (event) => {
      const stream = createEventStream(event);
      void turns(5).then(async () => {
        await stream.push(writeLate());
        await stream.close();
      });
      return stream.send();
    });
    expect(await (await app.request("/")).text()).toContain("SessionClosedError");
  });

  it("calls the app's hooks once, and saves with what they answer", async () => {
    const calls: string[] = [];
    const app = new H3({
      silent: true,
      onError: () => {
        calls.push("error");
        return new Response("sorry", { status: 418 });
      },
      onResponse: () => void calls.push("response"),
    });
    app.use(sessions({ secretKey })).get("/", () => {
      session.before = "failure";
      throw new Error("on purpose");
    });
    const answer = await app.request("/");
    expect([answer.status, await answer.text(), answer.headers.getSetCookie().length]).toEqual([
      418,
      "sorry",
      1,
    ]);
    expect(calls).toEqual(["error", "response"]);
  });

  it("keeps the headers that handlers prepared", async () => {
    const app = build({ secretKey }).get("/", (event) => {
      session.username = "ada";
      event.res.headers.append("Set-Cookie", "theme=dark");
      event.res.status = 201;
      return null;
    });
    const answer = await app.request("/");
    expect(answer.status).toBe(201);
    expect(answer.headers.getSetCookie()).toEqual(["theme=dark", expect.stringMatching(/^session=/)]);
  });

  it("throws a failed save to h3, which answers with its status", async () => {
    const saveSession = async () => {
      await turns(5);
      throw new StoreError("unavailable", "The store is down.");
    };
    const app = build({ sessionInterface: { openSession: () => createSession(), saveSession } });
    app.get("/", () => redirect("/elsewhere"));
    const answer = await app.request("/");
    expect([answer.status, answer.headers.get("Location")]).toEqual([503, null]);
  });
});
