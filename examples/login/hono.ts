import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { html } from "hono/html";
import { session, SessionManager } from "hipflask";
import { sessions } from "hipflask/hono";
import { storeFromUrl } from "hipflask/stores/from-url";
import { checkPassword } from "./users.ts";

declare module "hipflask" {
  interface SessionData {
    userId: string;
  }
}

// SESSION_STORE=sqlite:sessions.db, redis://localhost, …; without it, sessions are in the cookie.
const { SECRET_KEY, SESSION_STORE, PORT = "3000" } = process.env;
const store = SESSION_STORE ? await storeFromUrl(SESSION_STORE) : undefined;
const manager = new SessionManager({
  secretKey: SECRET_KEY,
  cookieSameSite: "Lax",
  cookieSecure: "auto",
  crossOriginProtection: true, // a form on another site cannot post here
  store,
  storeOptions: { device: ({ headers }) => (headers.get("User-Agent") ?? "").slice(0, 200) },
});

const app = new Hono();
app.use(sessions(manager));

app.get("/", (c) => {
  const { userId } = session;
  const known = html`<p><a href="/devices">Your devices</a></p>
    <form method="post" action="/logout"><button>Log out</button></form>`;
  const content = userId === undefined ? html`<a href="/login">Log in</a>` : known;
  return c.html(page(`Hello, ${userId ?? "stranger"}`, content));
});

app.get("/login", (c) => c.html(loginPage(c.req.query("next"))));

app.post("/login", async (c) => {
  const { username, password, remember, next } = await c.req.parseBody();
  const userId = await checkPassword(username, password);
  if (userId === undefined) return c.html(loginPage(next, "Wrong name or password"), 401);
  if (store) session.owner = userId; // a new session, listed under its owner
  else session.regenerate(); // a new session
  session.userId = userId;
  session.permanent = remember === "on";
  return c.redirect(localPath(next), 303);
});

app.post("/logout", (c) => {
  session.destroy();
  return c.redirect("/", 303);
});

app.use("/devices/*", async (c, next) => {
  if (session.userId === undefined) return c.redirect("/login?next=/devices", 303);
  if (!store) return c.html(page("Your devices", "Only the browser has a session in a cookie."));
  return next();
});

app.get("/devices", async (c) => {
  const devices = await manager.list(session.owner ?? "", { current: session });
  return c.html(
    page(
      "Your devices",
      html`<form method="post" action="/devices/logout">
          ${devices.map(
            ({ selector, device, lastSeenAt, isCurrent }) =>
              html`<p>
                ${device}, last seen ${new Date(lastSeenAt).toUTCString()} ${isCurrent ? "(this one)" : ""}
                <button name="selector" value="${selector}">Log out</button>
              </p>`,
          )}
        </form>
        <form method="post" action="/devices/logout-everywhere"><button>Log out everywhere</button></form>`,
    ),
  );
});

app.post("/devices/logout", async (c) => {
  const { selector } = await c.req.parseBody();
  const own = await manager.list(session.owner ?? "");
  // A selector is not a secret: check that the session belongs to this user.
  const device = own.find((device) => device.selector === selector);
  if (device) await manager.destroy(device.selector);
  return c.redirect("/devices", 303);
});

app.post("/devices/logout-everywhere", async (c) => {
  await manager.destroyAll(session.owner ?? "");
  return c.redirect("/", 303);
});

/** A path of this site; everything else, above all URLs of other sites, becomes the start page. */
function localPath(next: unknown): string {
  return typeof next === "string" && /^\/\w/.test(next) ? next : "/";
}

function loginPage(next: unknown, problem = "") {
  return page(
    "Log in",
    html`<p role="alert">${problem}</p>
      <form method="post" action="/login">
        <input type="hidden" name="next" value="${localPath(next)}" />
        <p><label>Name <input name="username" autocomplete="username" required /></label></p>
        <p><label>Password <input type="password" name="password" autocomplete="current-password" required /></label></p>
        <p><label><input type="checkbox" name="remember" /> Remember me</label></p>
        <button>Log in</button>
      </form>`,
  );
}

function page(title: string, content: unknown) {
  return html`<!doctype html>
    <html lang="en">
      <meta name="viewport" content="width=device-width" />
      <title>${title}</title>
      <main>
        <h1>${title}</h1>
        ${content}
      </main>
    </html>`;
}

serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => {
  console.log(`http://localhost:${port}`);
});
