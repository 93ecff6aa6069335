import express5, { type Request, type RequestHandler, type Response } from "express";
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import { afterEach, describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/express.ts";
import { SessionManager } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { ecosystem } from "../support/ecosystem.ts";
import { startIssuer, type Issuer } from "../support/oidc-issuer.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { listen } from "./listen.ts";

const { skip, note, require: packageOf } = ecosystem();

/** What is called of the package here. */
interface WithOidc {
  oidc: { user?: { sub: string }; isAuthenticated(): boolean };
}
interface Oidc {
  auth(options: object): RequestHandler;
}

const versions = {
  "Express 5": express5,
  "Express 4": createRequire(import.meta.url)("express4") as typeof express5,
};
const closing: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

for (const [version, express] of Object.entries(versions)) {
  for (const mode of ["cookie", "store"] as const) {
    describe.skipIf(skip)(`express-openid-connect 3 on ${version} in ${mode} mode${note}`, () => {
      let issuer: Issuer;

      async function start(session: object = {}): Promise<PlainVisitor> {
        issuer = await startIssuer();
        let app: RequestListener = () => {};
        const server = await listen(createServer((req, res) => app(req, res)));
        const baseURL = `http://127.0.0.1:${server.port}`;
        const store = mode === "store" ? memoryStore() : undefined;
        const manager = new SessionManager({ secretKey: "ours", store, storeOptions: { sweepEvery: 0 } });
        closing.push(server.close, issuer.close, () => manager.close());
        const { auth } = packageOf("express-openid-connect") as Oidc;
        app = express()
          .use(sessions(manager))
          .get("/cart/:item", (req, res) => {
            req.session.cart = [...(req.session.cart ?? []), req.params.item];
            res.json(req.session.cart);
          })
          .use(
            auth({
              issuerBaseURL: issuer.url,
              baseURL,
              session,
              authRequired: false,
              clientID: "shop",
              clientSecret: "a secret of the shop",
              secret: "a long secret of the package's own",
              authorizationParams: { response_type: "code", scope: "openid" },
              // What people write who keep something of their own beside the tokens.
              async afterCallback(req: Request, _: Response, tokens: { id_token: string }) {
                const { sub } = JSON.parse(
                  Buffer.from(tokens.id_token.split(".")[1]!, "base64url").toString(),
                );
                await new Promise<void>((resolve, reject) => {
                  req.session.regenerate((error) => (error ? reject(error as Error) : resolve()));
                });
                req.session.username = sub as string;
                await new Promise<void>((resolve, reject) => {
                  req.session.save((error) => (error ? reject(error as Error) : resolve()));
                });
                return tokens;
              },
            }),
          )
          .get("/", (req, res) => {
            const { oidc } = req as unknown as WithOidc;
            const { username = null, cart = null } = req.session;
            res.json({ theirs: oidc.user?.sub ?? null, ours: username, cart });
          })
          .get("/bye", (req, res, next) => {
            req.session.destroy((error) => (error ? next(error) : res.redirect("/logout")));
          });
        return new PlainVisitor(baseURL);
      }

      /** To the issuer and back, as a browser goes. */
      async function logIn(visitor: PlainVisitor): Promise<void> {
        const there = await visitor.get("/login");
        const asked = await fetch(there.headers.location!, { redirect: "manual" });
        const { pathname, search } = new URL(asked.headers.get("location")!);
        const back = await visitor.get(pathname + search);
        expect([back.status, back.body.includes("rror")]).toEqual([302, false]);
      }
      const page = async (visitor: PlainVisitor) => JSON.parse((await visitor.get("/")).body) as object;

      const stores: Record<string, () => object> = {
        "its own cookie": () => ({}),
        "an express-session store of its own": () => {
          const theirs = packageOf("express-session") as object;
          const MemoryStore = (
            packageOf("memorystore") as (session: object) => new (options: object) => object
          )(theirs);
          return { store: new MemoryStore({}) };
        },
      };

      it.each(Object.entries(stores))("goes beside it, with %s", async (_, session) => {
        const visitor = await start(session());
        expect(await page(visitor)).toEqual({ theirs: null, ours: null, cart: null });
        await visitor.get("/cart/planted");
        await logIn(visitor);
        expect([...visitor.cookies.keys()].toSorted()).toEqual(["appSession", "session"]);
        expect(await page(visitor)).toEqual({ theirs: "ada", ours: "ada", cart: null });

        await visitor.get("/cart/tea");
        issuer.subject = "grace";
        await logIn(visitor);
        expect(await page(visitor)).toEqual({ theirs: "grace", ours: "grace", cart: null });

        const stolen = visitor.copy();
        expect((await visitor.get("/bye")).headers.location).toBe("/logout");
        await visitor.get("/logout");
        expect(await page(visitor)).toEqual({ theirs: null, ours: null, cart: null });
        // A cookie is its own proof until it is too old; what is in a store can end.
        expect(await page(stolen)).toMatchObject({ ours: mode === "store" ? null : "grace" });
      });
    });
  }
}
