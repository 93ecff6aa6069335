import express from "express";
import { session, SessionManager } from "hipflask";
import { sessions } from "hipflask/express";
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

const app = express();
app.use(sessions(manager));
app.use(express.urlencoded());

app.get("/", (req, res) => {
  const { userId } = session;
  const known = `<p><a href="/devices">Your devices</a></p>
    <form method="post" action="/logout"><button>Log out</button></form>`;
  const content = userId === undefined ? `<a href="/login">Log in</a>` : known;
  res.send(page(`Hello, ${userId ?? "stranger"}`, content));
});

app.get("/login", (req, res) => {
  res.send(loginPage(req.query.next));
});

app.post("/login", async (req, res) => {
  const { username, password, remember, next } = req.body ?? {};
  const userId = await checkPassword(username, password);
  if (userId === undefined) return void res.status(401).send(loginPage(next, "Wrong name or password"));
  if (store) session.owner = userId; // a new session, listed under its owner
  else session.regenerate(); // a new session
  session.userId = userId;
  session.permanent = remember === "on";
  res.redirect(303, localPath(next));
});

app.post("/logout", (req, res) => {
  session.destroy();
  res.redirect(303, "/");
});

app.use("/devices", (req, res, next) => {
  if (session.userId === undefined) res.redirect(303, "/login?next=/devices");
  else if (!store) res.send(page("Your devices", "Only the browser has a session in a cookie."));
  else next();
});

app.get("/devices", async (req, res) => {
  const devices = await manager.list(session.owner ?? "", { current: session });
  const rows = devices.map(
    ({ selector, device, lastSeenAt, isCurrent }) =>
      `<p>${escape(device)}, last seen ${new Date(lastSeenAt).toUTCString()} ${isCurrent ? "(this one)" : ""}
      <button name="selector" value="${selector}">Log out</button></p>`,
  );
  res.send(
    page(
      "Your devices",
      `<form method="post" action="/devices/logout">${rows.join("")}</form>
      <form method="post" action="/devices/logout-everywhere"><button>Log out everywhere</button></form>`,
    ),
  );
});

app.post("/devices/logout", async (req, res) => {
  const own = await manager.list(session.owner ?? "");
  // A selector is not a secret: check that the session belongs to this user.
  const device = own.find(({ selector }) => selector === req.body?.selector);
  if (device) await manager.destroy(device.selector);
  res.redirect(303, "/devices");
});

app.post("/devices/logout-everywhere", async (req, res) => {
  await manager.destroyAll(session.owner ?? "");
  res.redirect(303, "/");
});

/** A path of this site; everything else, above all URLs of other sites, becomes the start page. */
function localPath(next: unknown): string {
  return typeof next === "string" && /^\/\w/.test(next) ? next : "/";
}

function loginPage(next: unknown, problem = ""): string {
  return page(
    "Log in",
    `<p role="alert">${problem}</p>
    <form method="post" action="/login">
      <input type="hidden" name="next" value="${escape(localPath(next))}">
      <p><label>Name <input name="username" autocomplete="username" required></label></p>
      <p><label>Password <input type="password" name="password" autocomplete="current-password" required></label></p>
      <p><label><input type="checkbox" name="remember"> Remember me</label></p>
      <button>Log in</button>
    </form>`,
  );
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<main>
<h1>${escape(title)}</h1>
${content}
</main>
</html>
`;
}

function escape(value: unknown): string {
  return String(value).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const server = app.listen(Number(PORT), () => {
  const address = server.address();
  console.log(`http://localhost:${typeof address === "object" && address ? address.port : PORT}`);
});
