import express, { type Express, type RequestHandler } from "express";
import { createServer, type Server } from "node:http";
import { Server as SocketServer } from "socket.io";
import { io } from "socket.io-client";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import session, { type SessionOptions } from "../../src/express-session.ts";
import { listen } from "../adapters/listen.ts";
import { ecosystem } from "../support/ecosystem.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { contents, quiet, watchedStore } from "./site.ts";

const { skip, note, require } = ecosystem();

async function visit(app: Express): Promise<PlainVisitor> {
  const server = await listen(createServer(app));
  onTestFinished(() => server.close());
  return new PlainVisitor(`http://127.0.0.1:${server.port}`);
}

describe.skipIf(skip)(`what stands on express-session${note}`, () => {
  it("passport logs people in, with a new session, and out", async () => {
    const passport = new (require("passport").Passport)();
    const { Strategy } = require("passport-local");
    passport.use(
      new Strategy((name: string, password: string, done: (...answer: unknown[]) => void) =>
        done(null, password === "secret" && { name }),
      ),
    );
    passport.serializeUser((user: { name: string }, done: (...answer: unknown[]) => void) =>
      done(null, user.name),
    );
    passport.deserializeUser((name: string, done: (...answer: unknown[]) => void) => done(null, { name }));
    const { store } = watchedStore();
    const app = express()
      .use(session({ ...quiet, store }))
      .use(express.urlencoded({ extended: false }))
      .use(passport.session() as RequestHandler);
    app.post("/login", passport.authenticate("local", { successRedirect: "/me", failureRedirect: "/no" }));
    app.get("/me", (req, res) => void res.json((req as { user?: unknown }).user ?? null));
    app.get("/cart", (req, res) => {
      req.session.cart = ["tea"];
      res.end();
    });
    app.post("/logout", (req, res, next) => {
      (req as unknown as { logout(done: (error: unknown) => void): void }).logout((error) =>
        error ? next(error) : res.redirect("/me"),
      );
    });
    const visitor = await visit(app);
    await visitor.get("/cart");
    const before = visitor.cookies.get("connect.sid");
    const refused = await visitor.submit("/login", { username: "ada", password: "wrong" });
    expect(refused.status).toBe(404);
    expect((await visitor.submit("/login", { username: "ada", password: "secret" })).body).toBe(
      '{"name":"ada"}',
    );
    expect(visitor.cookies.get("connect.sid")).not.toBe(before);
    expect((await visitor.submit("/logout", {})).body).toBe("null");
    expect(Object.keys(await contents(store))).toHaveLength(1);
  });

  it("connect-flash keeps a message over a redirect, once", async () => {
    const app = express().use(session(quiet), require("connect-flash")() as RequestHandler);
    const flash = (req: unknown) => (req as { flash(...args: string[]): unknown }).flash.bind(req);
    app.post("/", (req, res) => {
      flash(req)("info", "saved");
      res.redirect("/");
    });
    app.get("/", (req, res) => void res.json(flash(req)("info")));
    const visitor = await visit(app);
    expect((await visitor.submit("/", {})).body).toBe('["saved"]');
    expect((await visitor.get("/")).body).toBe("[]");
  });

  it("csrf-sync knows the forms of a session", async () => {
    const { csrfSynchronisedProtection, generateToken } = require("csrf-sync").csrfSync();
    const app = express().use(session(quiet));
    app.get("/", (req, res) => void res.send(generateToken(req)));
    app.post("/", csrfSynchronisedProtection, (_, res) => void res.send("done"));
    app.use(((error, _req, res, _next) => res.status(error.statusCode).end()) as express.ErrorRequestHandler);
    const visitor = await visit(app);
    const { body: token } = await visitor.get("/");
    expect((await visitor.post("/", {}, { "x-csrf-token": token })).body).toBe("done");
    expect((await visitor.post("/", {}, { "x-csrf-token": "forged" })).status).toBe(403);
  });
});

describe("socket.io, which shares the middleware with Express", () => {
  async function serve(options: SessionOptions) {
    const middleware = session(options);
    const app = express().use(middleware);
    app.get("/", (req, res) => {
      req.session.user = "ada";
      res.end();
    });
    const server: Server = createServer(app);
    const sockets = new SocketServer(server);
    sockets.engine.use(middleware);
    const { port } = await listen(server);
    onTestFinished(() => void sockets.close());
    const url = `http://127.0.0.1:${port}`;
    const visitor = new PlainVisitor(url);
    const dial = (transport: "polling" | "websocket") => {
      const Cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const client = io(url, { transports: [transport], extraHeaders: { Cookie }, reconnection: false });
      onTestFinished(() => void client.close());
      return client;
    };
    return { sockets, visitor, dial };
  }

  it.each(["polling", "websocket"] as const)("sees the visitor's session by %s", async (transport) => {
    const { sockets, visitor, dial } = await serve(quiet);
    sockets.on("connection", (socket) => {
      const { session } = socket.request as express.Request;
      session.reload(() => socket.emit("hello", session.user));
    });
    await visitor.get("/");
    const client = dial(transport);
    expect(await new Promise((resolve) => client.once("hello", resolve))).toBe("ada");
  });

  it("survives a store that fails at the handshake", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const { store, touch } = watchedStore();
    const { visitor, dial } = await serve({ ...quiet, store });
    await visitor.get("/");
    touch.mockImplementation((_, __, callback) => void setImmediate(() => callback?.(new Error("boom"))));
    for (const transport of ["polling", "websocket"] as const) {
      const client = dial(transport);
      await new Promise((resolve) => {
        client.once("connect_error", resolve);
        client.once("disconnect", resolve);
      });
    }
    touch.mockRestore();
    expect((await visitor.get("/")).status).toBe(200);
  });
});
