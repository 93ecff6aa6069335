import express5, { type Express, type Request } from "express";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { inspect, promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sessions, type SessionCookie } from "../../src/adapters/express.ts";
import {
  ReservedNameError,
  selectorOf,
  session,
  SessionClosedError,
  SessionLostError,
  SessionManager,
  StoreError,
  type SessionOptions,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { PlainVisitor, type PlainResponse } from "../support/plain-visitor.ts";
import { listen } from "./listen.ts";

const versions = {
  "Express 5": express5,
  "Express 4": createRequire(import.meta.url)("express4") as typeof express5,
};
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** What a handler did, for the test to look at. */
type Handler = (req: Request) => unknown;

for (const [version, express] of Object.entries(versions)) {
  for (const mode of ["cookie", "store"] as const) {
    describe(`req.session on ${version} in ${mode} mode`, () => {
      let manager: SessionManager;
      let app: Express;
      let ada: PlainVisitor;
      let next: Handler;
      const errors: unknown[] = [];

      async function start(options: SessionOptions = {}): Promise<void> {
        const store = mode === "store" ? memoryStore() : undefined;
        manager = new SessionManager({
          secretKey: "express",
          store,
          ...options,
          storeOptions: { sweepEvery: 0, ...options.storeOptions },
        });
        app = express().use(sessions(manager, { onError: (error) => errors.push(error) }));
        app.use((req, res, pass) => {
          const answer = (seen: unknown) => (res.headersSent ? undefined : res.json(seen ?? null));
          Promise.resolve(next(req)).then(answer, pass);
        });
        const server = await listen(createServer(app));
        closing.push(server.close, () => manager.close());
        ada = new PlainVisitor(`http://127.0.0.1:${server.port}`);
      }

      /** One request of the visitor's. */
      async function visit(handler: Handler, by = ada): Promise<{ seen: unknown } & PlainResponse> {
        next = handler;
        const answer = await by.get("/");
        return { ...answer, seen: answer.status === 200 ? JSON.parse(answer.body) : undefined };
      }

      /** What an old cookie is still good for: what is in a store can end, and a cookie is its own proof. */
      const atBest = (old: object) => (mode === "store" ? {} : old);
      const data = async () => (await visit((req) => req.session)).seen;
      const called = (start: (done: (error?: unknown) => void) => unknown) =>
        new Promise<unknown>((resolve) => void start(resolve));

      beforeEach(async () => {
        errors.length = 0;
        vi.spyOn(console, "error").mockReturnValue();
        await start();
      });

      describe("regenerate", () => {
        it("with a callback: a new session, while the old object keeps the old data and refuses writes", async () => {
          await visit((req) => void (req.session.cart = ["tea"]));
          const old = ada.copy();
          const { seen } = await visit(async (req) => {
            const before = req.session;
            const id = req.sessionID;
            expect(await called((done) => before.regenerate(done))).toBeUndefined();
            expect(req.session).not.toBe(before);
            expect(before.cart).toEqual(["tea"]);
            expect({ ...before }).toEqual({ cart: ["tea"] });
            expect(() => (before.late = 1)).toThrow(SessionClosedError);
            expect(req.session.cart).toBeUndefined();
            expect(req.sessionID === id).toBe(mode === "cookie");
            req.session.username = "ada";
            return session.username;
          });
          expect(seen).toBe("ada");
          expect(await data()).toEqual({ username: "ada" });
          expect((await visit((req) => req.session, old)).seen).toEqual(atBest({ cart: ["tea"] }));
        });

        it("is promisified like any method with a callback", async () => {
          await visit((req) => void (req.session.a = 1));
          await visit(async (req) => {
            await promisify(req.session.regenerate.bind(req.session) as (done: () => void) => void)();
            req.session.b = 2;
          });
          expect(await data()).toEqual({ b: 2 });
        });

        it("without: hipflask's own, done at once and on the same object", async () => {
          await visit((req) => req.session.update({ cart: ["tea"], old: 1 }));
          await visit((req) => {
            const mine = req.session;
            void mine.regenerate({ keep: ["cart"] });
            mine.username = "ada";
            expect(req.session).toBe(mine);
          });
          expect(await data()).toEqual({ cart: ["tea"], username: "ada" });
          await visit(async (req) => {
            await req.session.regenerate();
            req.session.after = true;
          });
          expect(await data()).toEqual({ after: true });
        });

        it("tells a callback, or throws, where nothing can be written", async () => {
          await start({ secretKey: null, ...(mode === "store" ? { store: undefined } : {}) });
          const { seen } = await visit(async (req) => {
            expect(() => req.session.regenerate()).toThrow("secret key");
            return String(await called((done) => req.session.regenerate(done)));
          });
          expect(seen).toContain("secret key");
        });
      });

      describe("destroy", () => {
        it.each(["callback", "promise", "neither"] as const)("ends the session at once (%s)", async (way) => {
          await visit((req) => void (req.session.a = 1));
          const old = ada.copy();
          const { setCookie, seen } = await visit(async (req) => {
            const ways = {
              callback: () => called((done) => req.session.destroy(done)),
              promise: () => req.session.destroy(),
              neither: () => void req.session.destroy(),
            };
            return [(await ways[way]()) ?? "no error", req.session.size];
          });
          expect(seen).toEqual(["no error", 0]);
          expect(setCookie).toEqual([expect.stringContaining("Max-Age=0")]);
          expect((await visit((req) => req.session, old)).seen).toEqual(atBest({ a: 1 }));
        });

        it("leaves a session to write to, which is another one", async () => {
          await visit((req) => void (req.session.a = 1));
          await visit(async (req) => {
            await req.session.destroy();
            req.session.b = 2;
          });
          expect(await data()).toEqual({ b: 2 });
        });
      });

      it("req.session = null ends the session, and an object replaces its data", async () => {
        await visit((req) => req.session.update({ a: 1, b: 2 }));
        await visit((req) => {
          (req as { session: unknown }).session = { b: 3 };
          expect(req.session.b).toBe(3);
        });
        expect(await data()).toEqual({ b: 3 });
        const { setCookie } = await visit((req) => {
          (req as { session: unknown }).session = null;
          return req.session;
        });
        expect(setCookie).toEqual([expect.stringContaining("Max-Age=0")]);
      });

      it("save and reload, with a callback or a promise", async () => {
        await visit((req) => void (req.session.a = 1));
        const { seen } = await visit(async (req) => {
          req.session.a = 2;
          expect(await called((done) => req.session.save(done))).toBeUndefined();
          await req.session.save();
          req.session.a = 3;
          expect(await called((done) => req.session.reload(done))).toBeUndefined();
          await req.session.reload();
          return req.session.a;
        });
        // A cookie is written with the headers, so what it held when it came is all there is.
        expect(seen).toBe(mode === "store" ? 2 : 1);
      });

      it("reload rejects without a session to read", async () => {
        const { seen } = await visit(async (req) => {
          const error = await called((done) => req.session.reload(done));
          await expect(req.session.reload()).rejects.toThrow(SessionLostError);
          return (error as Error).name;
        });
        expect(seen).toBe("SessionLostError");
      });

      it("lets what a callback throws out, and not into the session", async () => {
        const thrown = await new Promise((resolve) => {
          const listeners = process.listeners("uncaughtException");
          process.removeAllListeners("uncaughtException");
          process.once("uncaughtException", (error) => {
            for (const listener of listeners) process.on("uncaughtException", listener);
            resolve(error);
          });
          void visit((req) => {
            req.session.save(() => {
              throw new Error("in a callback on purpose");
            });
          });
        });
        expect(String(thrown)).toContain("on purpose");
      });

      it("forgets a key that is set to undefined", async () => {
        await visit((req) => req.session.update({ a: 1, b: 2 }));
        await visit((req) => void (req.session.a = undefined));
        expect(await data()).toEqual({ b: 2 });
      });

      it("keeps data of the names it uses, and says how to reach it", async () => {
        await visit((req) => {
          expect(() => ((req.session as { save: unknown }).save = 1)).toThrow(ReservedNameError);
          for (const name of ["id", "cookie", "save"]) req.session.set(name, `my ${name}`);
        });
        const { seen } = await visit((req) => [
          req.session.get("id"),
          typeof req.session.save,
          "cookie" in req.session,
          Object.keys({ ...req.session }),
          JSON.parse(JSON.stringify(req.session)),
        ]);
        const all = { id: "my id", cookie: "my cookie", save: "my save" };
        expect(seen).toEqual(["my id", "function", true, [], all]);
      });

      it("shows names and no values when it is logged", async () => {
        const { seen } = await visit((req) => {
          req.session.secret = "the value";
          return [inspect(req.session), String(req.session)];
        });
        expect(seen).toEqual(['Session { "secret" }', 'Session { "secret" }']);
      });

      it("has an id in a store, before it is saved and ever after, and none in a cookie", async () => {
        const { seen: first } = await visit((req) => {
          const { sessionID } = req;
          req.session.a = 1;
          return [sessionID, req.session.id];
        });
        const { seen: second } = await visit((req) => [req.sessionID, selectorOf(req.session) ?? null]);
        const [id] = first as unknown[];
        expect(String(id)).toMatch(mode === "cookie" ? /^null$/ : /^[\w-]{16}$/);
        expect([first, second]).toEqual([
          [id, id],
          [id, id],
        ]);
      });

      it("sets no cookie if only the id was read", async () => {
        const { setCookie } = await visit((req) => [req.sessionID, req.session.id]);
        expect(setCookie).toEqual([]);
      });

      it("touch extends a session, and begins none", async () => {
        expect((await visit((req) => req.session.touch())).setCookie).toEqual([]);
        await visit((req) => void (req.session.a = 1));
        const { setCookie } = await visit((req) => called((done) => req.session.touch(done)));
        expect(setCookie).toHaveLength(mode === "cookie" ? 1 : 0);
      });

      describe("cookie", () => {
        const DAY = 24 * 60 * 60 * 1000;
        const now = () => Date.UTC(2026, 0, 1);
        const login = (set: (cookie: SessionCookie) => void) =>
          visit((req) => {
            set(req.session.cookie);
            req.session.username = "ada";
            return req.session.cookie;
          });

        beforeEach(() =>
          start({
            now,
            lifetime: 7 * 24 * 60 * 60,
            ...(mode === "store" && { store: memoryStore({ now }) }),
          }),
        );

        it("ends with the browser, until it is given a time", async () => {
          const plain = await login(() => {});
          expect(plain.seen).toEqual({ originalMaxAge: null, expires: null });
          expect(plain.setCookie[0]).not.toContain("Expires");
          const given = await login((cookie) => (cookie.maxAge = DAY));
          expect(given.seen).toEqual({ originalMaxAge: DAY, expires: "2026-01-02T00:00:00.000Z" });
          expect(given.setCookie[0]).toContain("Expires=Fri, 02 Jan 2026 00:00:00 GMT");
          expect(await data()).toEqual({ _permanent: true, username: "ada" });
        });

        it("takes a date, and null to go back", async () => {
          const given = await login((cookie) => (cookie.expires = new Date(now() + 2 * DAY)));
          expect(given.setCookie[0]).toContain("Expires=Sat, 03 Jan 2026");
          const back = await login((cookie) => (cookie.expires = false));
          expect(back.setCookie[0]).not.toContain("Expires");
          expect(await data()).toEqual({ _permanent: false, username: "ada" });
        });

        it("lives no longer than the lifetime, which a later response gives it again", async () => {
          const given = await login((cookie) => (cookie.maxAge = 400 * DAY));
          expect(given.setCookie[0]).toContain("Expires=Thu, 08 Jan 2026");
          await login((cookie) => (cookie.maxAge = DAY));
          const later = await visit((req) => void (req.session.a = 1));
          expect(later.setCookie[0]).toContain("Expires=Thu, 08 Jan 2026");
        });

        it("moves the cookie of a session that nothing else changed", async () => {
          await login((cookie) => (cookie.maxAge = DAY));
          const { setCookie } = await visit((req) => void (req.session.cookie.maxAge = 2 * DAY));
          expect(setCookie[0]).toContain("Expires=Sat, 03 Jan 2026");
        });

        it("makes no session of nothing", async () => {
          expect((await visit((req) => void (req.session.cookie.maxAge = DAY))).setCookie).toEqual([]);
        });

        it("refuses what has no effect here", async () => {
          await visit((req) => {
            const { cookie } = req.session;
            expect(() => Object.assign(cookie, { secure: true })).toThrow(TypeError);
            expect(() => (cookie.maxAge = "1 day" as unknown as number)).toThrow(TypeError);
            expect(() => (cookie.expires = new Date("soon"))).toThrow(TypeError);
          });
        });
      });

      if (mode === "cookie") return;

      it("can be read again while an answer is streamed, and tells that it is over", async () => {
        await visit((req) => void (req.session.a = 1));
        const tab = ada.copy();
        const { seen } = await visit(async (req) => {
          req.res!.type("json").flushHeaders();
          expect(() => (req.session.late = 1)).toThrow(SessionClosedError);
          await visit((other) => void (other.session.a = 2), tab);
          await req.session.reload();
          const { a } = req.session;
          await visit((other) => other.session.destroy(), tab);
          const error = await called((done) => req.session.reload(done));
          req.res!.end(JSON.stringify([a, (error as Error).name]));
        });
        expect(seen).toEqual([2, "SessionLostError"]);
      });

      it("tells a failed save, and answers with an error if it stays so", async () => {
        const inner = memoryStore();
        let isDown = true;
        const store = new Proxy(inner, {
          get(target, name) {
            if (name === "insert" && isDown)
              return () => Promise.reject(new StoreError("unavailable", "down"));
            const value = Reflect.get(target, name) as unknown;
            return typeof value === "function" ? (value.bind(target) as unknown) : value;
          },
        });
        await start({ store });
        const handler = async (req: Request) => {
          req.session.a = 1;
          const error = await called((done) => req.session.save(done));
          // This one is not awaited, and must not crash the process.
          void req.session.save();
          return (error as Error | undefined)?.name;
        };
        expect((await visit(handler)).status).toBe(503);
        isDown = false;
        expect((await visit(handler)).status).toBe(200);
        expect(await data()).toEqual({ a: 1 });
      });
    });
  }
}
