import express5, { type Express, type RequestHandler } from "express";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sessions } from "../../src/adapters/express.ts";
import { SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { ecosystem } from "../support/ecosystem.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { listen } from "./listen.ts";

const { skip, note, require: packageOf } = ecosystem();

// Neither package has types of its own; this is what is called of them here.
interface Passport {
  use(strategy: object): void;
  session(): RequestHandler;
  authenticate(name: string, options?: object): RequestHandler;
  serializeUser(serialize: (user: User, done: (error: null, id: string) => void) => void): void;
  deserializeUser(deserialize: (id: string, done: (error: null, user: User) => void) => void): void;
}
interface User {
  readonly username: string;
}
interface WithPassport {
  user?: User;
  isAuthenticated(): boolean;
  logout(options: { keepSessionInfo?: boolean }, done: (error?: unknown) => void): void;
}
interface WithFlash {
  flash(type: string, message: string | string[]): number;
  flash(type: string): string[];
  flash(): Record<string, string[]>;
}
type Verify = (username: string, password: string, done: Verified) => void;
type Verified = (error: null, user: User | false, info?: { message: string }) => void;

const versions = {
  "Express 5": express5,
  "Express 4": createRequire(import.meta.url)("express4") as typeof express5,
};
const closing: (() => Promise<void>)[] = [];

beforeEach(() => void vi.spyOn(console, "error").mockReturnValue());

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

for (const [version, express] of Object.entries(versions)) {
  for (const mode of ["cookie", "store"] as const) {
    const start = async (routes: (app: Express, manager: SessionManager) => void): Promise<PlainVisitor> => {
      const store = mode === "store" ? memoryStore() : undefined;
      const manager = new SessionManager({ secretKey: "ecosystem", store, storeOptions: { sweepEvery: 0 } });
      const app = express().use(sessions(manager));
      app.set("env", "production");
      app.use(express.urlencoded({ extended: false }));
      routes(app, manager);
      const server = await listen(createServer(app));
      closing.push(server.close, () => manager.close());
      return new PlainVisitor(`http://127.0.0.1:${server.port}`);
    };
    const name = `on ${version} in ${mode} mode${note}`;

    describe.skipIf(skip)(`passport 0.7 ${name}`, () => {
      const passwords = new Map([
        ["ada", "lovelace"],
        ["grace", "hopper"],
      ]);

      const shop = (options: object = {}) =>
        start((app) => {
          const { Passport } = packageOf("passport") as { Passport: new () => Passport };
          const { Strategy } = packageOf("passport-local") as { Strategy: new (verify: Verify) => object };
          const passport = new Passport();
          passport.use(
            new Strategy((username, password, done) => {
              if (passwords.get(username) === password) done(null, { username });
              else done(null, false, { message: "wrong password" });
            }),
          );
          passport.serializeUser(({ username }, done) => done(null, username));
          passport.deserializeUser((username, done) => done(null, { username }));
          app.use(passport.session());
          app.get("/cart/:item", (req, res) => {
            req.session.cart = [...(req.session.cart ?? []), req.params.item];
            res.json(req.session.cart);
          });
          app.get("/me", (req, res) => {
            const { user, isAuthenticated } = req as unknown as WithPassport;
            res.json({
              user: user?.username ?? null,
              isAuthenticated: isAuthenticated.call(req),
              cart: req.session.cart ?? null,
              id: req.sessionID ?? null,
            });
          });
          const outcomes = { successRedirect: "/me", failureRedirect: "/failed", failureMessage: true };
          app.post("/login", passport.authenticate("local", { ...outcomes, ...options }));
          app.get("/failed", (req, res) => void res.json(req.session.messages));
          app.post("/logout", (req, res, next) => {
            (req as unknown as WithPassport).logout(options, (error) => {
              if (error) next(error);
              else res.redirect("/me");
            });
          });
        });
      const json = async (answer: Promise<{ body: string }>) => JSON.parse((await answer).body) as object;
      const ada = { username: "ada", password: "lovelace" };

      it("logs in, is known on the next page, logs out", async () => {
        const visitor = await shop();
        expect(await json(visitor.get("/me"))).toMatchObject({ user: null, isAuthenticated: false });
        expect(await json(visitor.submit("/login", ada))).toMatchObject({
          user: "ada",
          isAuthenticated: true,
        });
        expect(await json(visitor.get("/me"))).toMatchObject({ user: "ada" });
        const page = await json(visitor.submit("/logout", {}));
        expect(page).toMatchObject({ user: null, isAuthenticated: false });
        expect(await json(visitor.get("/me"))).toMatchObject({ user: null });
      });

      it("refuses a wrong password, and tells why on the next page", async () => {
        const visitor = await shop();
        const page = await json(visitor.submit("/login", { username: "ada", password: "guessed" }));
        expect(page).toEqual(["wrong password"]);
        expect(await json(visitor.get("/me"))).toMatchObject({ user: null });
      });

      it("drops at login what the session held before, and at logout what it held then", async () => {
        const visitor = await shop();
        await visitor.get("/cart/planted");
        expect(await json(visitor.submit("/login", ada))).toMatchObject({ user: "ada", cart: null });
        await visitor.get("/cart/tea");
        expect(await json(visitor.submit("/logout", {}))).toMatchObject({ user: null, cart: null });
      });

      it("keeps it with keepSessionInfo, in a new session", async () => {
        const visitor = await shop({ keepSessionInfo: true });
        await visitor.get("/cart/tea");
        const before = (await json(visitor.get("/me"))) as { id: string };
        const page = (await json(visitor.submit("/login", ada))) as { id: string };
        expect(page).toMatchObject({ user: "ada", cart: ["tea"] });
        expect(page.id === before.id).toBe(mode === "cookie");
        expect(await json(visitor.submit("/logout", {}))).toMatchObject({ user: null, cart: ["tea"] });
      });

      it("changes the person without a logout in between", async () => {
        const visitor = await shop();
        await visitor.submit("/login", ada);
        await visitor.get("/cart/tea");
        const grace = { username: "grace", password: "hopper" };
        expect(await json(visitor.submit("/login", grace))).toMatchObject({ user: "grace", cart: null });
      });

      if (mode === "cookie") return;

      it("leaves nothing alive of the sessions before a login and before a logout", async () => {
        const visitor = await shop({ keepSessionInfo: true });
        await visitor.get("/cart/tea");
        const planted = visitor.copy();
        await visitor.submit("/login", ada);
        expect(await json(planted.get("/me"))).toMatchObject({ user: null, cart: null });
        const stolen = visitor.copy();
        await visitor.submit("/logout", {});
        expect(await json(stolen.get("/me"))).toMatchObject({ user: null, cart: null });
      });
    });

    describe.skipIf(skip)(`connect-flash 0.1 ${name}`, () => {
      const pages = () =>
        start((app) => {
          const flash = packageOf("connect-flash") as () => RequestHandler;
          app.use(flash());
          const flashOf = (req: unknown): WithFlash => req as WithFlash;
          app.get("/leave", (req, res) => {
            flashOf(req).flash("info", "saved");
            flashOf(req).flash("info", ["one", "two"]);
            res.json(flashOf(req).flash("error", "failed"));
          });
          app.get("/info", (req, res) => void res.json(flashOf(req).flash("info")));
          app.get("/all", (req, res) => {
            const all = flashOf(req).flash();
            res.json({ all, keys: Object.keys(all), again: flashOf(req).flash() });
          });
          app.get("/name", (req, res) => void res.json(flashOf(req).flash("name", "of a function")));
          app.get("/ours", (req, res) => {
            req.session.flash("hipflask's own");
            res.json(flashOf(req).flash("info"));
          });
          app.get("/read", (req, res) => void res.json(req.session.getFlashedMessages()));
        });
      const body = async (visitor: PlainVisitor, path: string) => JSON.parse((await visitor.get(path)).body);

      it("leaves messages for the next page, and shows them once", async () => {
        const visitor = await pages();
        expect(await body(visitor, "/leave")).toBe(1);
        expect(await body(visitor, "/info")).toEqual(["saved", "one", "two"]);
        expect(await body(visitor, "/info")).toEqual([]);
        expect(await body(visitor, "/all")).toEqual({
          all: { error: ["failed"] },
          keys: ["error"],
          again: {},
        });
        expect(await body(visitor, "/all")).toEqual({ all: {}, keys: [], again: {} });
      });

      it("takes messages of any type, and goes beside hipflask's own", async () => {
        const visitor = await pages();
        expect(await body(visitor, "/name")).toBe(1);
        await visitor.get("/leave");
        expect(await body(visitor, "/ours")).toEqual(["saved", "one", "two"]);
        expect(await body(visitor, "/read")).toEqual(["hipflask's own"]);
        expect(await body(visitor, "/all")).toMatchObject({ keys: ["error", "name"] });
      });

      it("sets no cookie for a visitor without messages", async () => {
        const visitor = await pages();
        for (const path of ["/info", "/all"]) expect((await visitor.get(path)).setCookie).toEqual([]);
      });
    });

    describe.skipIf(skip)(`csrf-sync 4 ${name}`, () => {
      interface Csrf {
        csrfSynchronisedProtection: RequestHandler;
        generateToken(req: object, overwrite?: boolean): string;
        revokeToken(req: object): void;
      }
      const forms = () =>
        start((app) => {
          const { csrfSync } = packageOf("csrf-sync") as { csrfSync: (options: object) => Csrf };
          const getTokenFromRequest = (req: { body: { token?: string } }) => req.body.token;
          const csrf = csrfSync({ getTokenFromRequest });
          app.use(csrf.csrfSynchronisedProtection);
          app.get("/form", (req, res) => void res.send(csrf.generateToken(req)));
          app.get("/revoke", (req, res) => {
            csrf.revokeToken(req);
            res.end();
          });
          app.post("/", (_, res) => void res.send("accepted"));
        });

      it("accepts a form with this session's token, and no other", async () => {
        const visitor = await forms();
        const { body: token } = await visitor.get("/form");
        expect(token).toMatch(/^[0-9a-f]{256}$/);
        expect((await visitor.get("/form")).body).toBe(token);
        expect((await visitor.post("/", { token })).body).toBe("accepted");
        expect((await visitor.post("/", { token: "guessed" })).status).toBe(403);
        expect((await visitor.post("/", {})).status).toBe(403);
        visitor.cookies.clear();
        expect((await visitor.post("/", { token })).status).toBe(403);
      });

      it("accepts a revoked token no more", async () => {
        const visitor = await forms();
        const { body: token } = await visitor.get("/form");
        await visitor.get("/revoke");
        expect((await visitor.post("/", { token })).status).toBe(403);
      });
    });
  }
}
