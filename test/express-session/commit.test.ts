import type { RequestHandler } from "express";
import { createReadStream } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import session from "../../src/express-session.ts";
import { afterTurns, turns } from "../support/turns.ts";
import { contents, open, quiet, rawGet, versions, watchedStore } from "./site.ts";

/** Whatever Express has for answering. */
const ways: Record<string, RequestHandler> = {
  send: (_, res) => void res.send("success"),
  json: (_, res) => void res.json({ success: true }),
  redirect: (_, res) => res.redirect("/success"),
  end: (_, res) => void res.end("success"),
  pipe: (_, res) => void createReadStream(import.meta.filename).pipe(res),
  sendFile: (_, res) => res.sendFile(import.meta.filename),
  writeHead: (_, res) => void res.writeHead(200, { "Set-Cookie": "other=1" }).end("success"),
  write: (_, res) => {
    res.write("success, ");
    setImmediate(() => res.end("whole"));
  },
  flushHeaders: (_, res) => {
    res.flushHeaders();
    setImmediate(() => res.end("success"));
  },
  "next(error)": (_req, _res, next) => next(new Error("failed on purpose")),
};

/** A store whose `set` waits to be let go. */
function gatedStore() {
  const { store, set } = watchedStore();
  const real = Object.getPrototypeOf(store).set as typeof store.set;
  let release = (): void => {};
  const isOpen = new Promise<void>((resolve) => (release = resolve));
  set.mockImplementation((id, session, callback) => {
    const frozen = JSON.parse(JSON.stringify(session)) as typeof session;
    void isOpen.then(() => real.call(store, id, frozen, callback));
  });
  return { store, set, release };
}

describe.each(Object.entries(versions))("a response of %s", (_, express) => {
  it.each(Object.keys(ways))("sends no byte of %s before the session is saved", async (way) => {
    const { store, set, release } = gatedStore();
    const options = { ...quiet, store };
    const handler: RequestHandler = (req, res, next) => {
      req.session.user = "ada";
      return ways[way]!(req, res, next);
    };
    const site = await open(options, handler, session(options), express);
    let seen = "";
    const answer = rawGet(site.port, "/", (text) => (seen = text));
    await vi.waitFor(() => expect(set).toHaveBeenCalled());
    await turns();
    expect(seen).toBe("");
    release();
    const text = await answer;
    expect(text).toMatch(/^set-cookie: connect\.sid=s%3A/im);
    expect(text).toMatch(/success|failed on purpose/);
    expect(set).toHaveBeenCalledTimes(1);
  });
});

describe("a response", () => {
  it("keeps cookies that others set, before and in writeHead", async () => {
    const site = await open(quiet, (req, res) => {
      req.session.user = "ada";
      if (req.path === "/head") res.writeHead(200, { "Set-Cookie": ["a=1", "b=2"] });
      else res.cookie("a", "1").cookie("b", "2");
      res.end();
    });
    for (const path of ["/", "/head"]) {
      site.cookie = undefined;
      const { cookies } = await site.get(path);
      expect(cookies.map((line) => line.split("=")[0])).toEqual(["a", "b", "connect.sid"]);
    }
  });

  it("has neither Vary nor Cache-Control of ours, as with express-session", async () => {
    const site = await open(quiet, (req, res) => {
      req.session.user = "ada";
      res.end();
    });
    const { headers } = await site.get();
    expect([headers.get("vary"), headers.get("cache-control")]).toEqual([null, null]);
  });
});

describe("a change after the headers have left", () => {
  const late: RequestHandler = (req, res) => {
    req.session.count = (req.session.count ?? 0) + 1;
    res.write(`${req.session.count} `);
    setImmediate(() => {
      req.session.count = (req.session.count ?? 0) + 1;
      res.end(String(req.session.count));
    });
  };

  it("is saved before the last byte leaves", async () => {
    const site = await open(quiet, late);
    expect((await site.get()).body).toBe("1 2");
    expect((await site.get()).body).toBe("3 4");
  });

  it("is saved too when the store was still busy with the first save", async () => {
    const { store, set, release } = gatedStore();
    const site = await open({ ...quiet, store }, late);
    const answer = site.get();
    await vi.waitFor(() => expect(set).toHaveBeenCalled());
    await turns(); // until the handler has ended the response
    release();
    expect((await answer).body).toBe("1 2");
    expect((await site.get()).body).toBe("3 4");
  });

  it("is saved too where the headers had left before there was a session", async () => {
    const { store } = watchedStore();
    const options = { ...quiet, store };
    const middleware = session(options);
    const site = await open(
      options,
      (req, res) => {
        req.session.user = "ada";
        res.end("late");
      },
      (req, res, next) => {
        if (req.path === "/early") res.flushHeaders();
        middleware(req, res, next);
      },
    );
    expect(await site.get("/early")).toMatchObject({ status: 200, body: "late", cookies: [] });
    expect(Object.values(await contents(store))).toMatchObject([{ user: "ada" }]);
  });

  it("closes the connection if it cannot be saved, and reports the error", async () => {
    const { store, set } = watchedStore();
    const site = await open({ ...quiet, store }, late);
    set.mockImplementationOnce((_, __, callback) => void callback?.());
    set.mockImplementationOnce((_, __, callback) => void afterTurns(() => callback?.(new Error("full"))));
    const text = await rawGet(site.port, "/");
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(text).not.toMatch(/\r\n0\r\n/);
    await vi.waitFor(() => expect(site.errors).toMatchObject([{ message: "full" }]));
  });
});
