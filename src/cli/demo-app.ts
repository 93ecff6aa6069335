import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { sessions } from "../adapters/node.ts";
import { session } from "../request/context.ts";
import { html, Html } from "../inspector/html.ts";
import { inspector } from "../inspector/handler.ts";
import { nodeListener } from "../inspector/node-listener.ts";
import type { SessionManager } from "../manager/manager.ts";

/** Maximum length of a form. */
const LONGEST = 8192;
/** The accepted hosts, against DNS rebinding: another site's name may resolve to this machine. */
const OURS = new Set(["localhost", "127.0.0.1", "[::1]"]);

const STYLE = `
:root { color-scheme: light dark; }
html { background: light-dark(#f4f2ea, #0c1512); color: light-dark(#1b2522, #e7f0eb); }
a { color: light-dark(#0b6e52, #7fe0bb); }
button { border: 0; background: light-dark(#0b6e52, #7fe0bb); color: light-dark(#fff, #0c1512); font-weight: 600; cursor: pointer; }
body { max-width: 34rem; margin: 12vh auto; padding: 0 1.2rem; font: 17px/1.55 system-ui, sans-serif; }
h1 { font-size: clamp(1.8rem, 8vw, 2.6rem); letter-spacing: -0.02em; overflow-wrap: anywhere; }
form { display: flex; gap: 0.6rem; }
input { flex: 1; min-width: 0; border: 1px solid light-dark(#b9b3a0, #35524a); background: light-dark(#fffefa, #13211c); color: inherit; }
input, button { font-size: inherit; padding: 0.5rem 0.9rem; border-radius: 8px; }
`;

const HEADERS = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  "X-Content-Type-Options": "nosniff",
};

/**
 * A minimal app – `GET /` greets, `POST /login` stores a name – with the inspector, open to everyone on this machine.
 */
export function demoApp(manager: SessionManager, { hasOwners }: { readonly hasOwners: boolean }) {
  const inspect = nodeListener(inspector(manager, { authorize: () => true }));
  return sessions(manager)(async (req, res) => {
    if (!OURS.has(hostOf(req)))
      return res.writeHead(403).end("This demo can only be used from this machine, as localhost.\n");
    const path = req.url?.split("?", 1)[0];
    if (path === "/inspector") return inspect(req, res);
    const route = `${req.method} ${path}`;
    if (route === "GET /") return greet(req, res, hasOwners);
    if (route === "POST /login") return logIn(req, res, hasOwners);
    if (route === "POST /logout") {
      session.destroy();
      return answer(req, res, "logged out");
    }
    return res.writeHead(404).end("Not Found\n");
  });
}

function greet(req: IncomingMessage, res: ServerResponse, hasStore: boolean): void {
  const greeting = `hello, ${"username" in session ? String(session.username) : "stranger"}`;
  if (!wantsPage(req)) {
    res.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" }).end(`${greeting}\n`);
    return;
  }
  const form =
    "username" in session
      ? html`<form method="post" action="/logout"><button>Log out</button></form>`
      : html`<form method="post" action="/login"><input name="username" required maxlength="60" aria-label="Your name" placeholder="Your name"><button>Log in</button></form>`;
  const { text } = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>hipflask</title><link rel="icon" href="data:,"><style>${new Html(STYLE)}</style></head>
<body><main><h1>${greeting}</h1>${form}
<p>${hasStore ? "Your browser holds a random token, and your name is in the store." : "The server keeps nothing: your name is in your cookie, signed."}
<a href="/inspector" target="_blank">The inspector</a> shows each request.</p></main></body></html>
`;
  res.writeHead(200, HEADERS).end(text);
}

async function logIn(req: IncomingMessage, res: ServerResponse, hasOwners: boolean): Promise<void> {
  const username = (await readForm(req))?.get("username");
  if (!username) {
    res.writeHead(400).end("Bad Request: the form has no username\n");
    return;
  }
  if (hasOwners) session.owner = username;
  session.username = username;
  answer(req, res, "login success");
}

/** Redirects a browser to the page; other clients get a status. */
function answer(req: IncomingMessage, res: ServerResponse, text: string): void {
  if (wantsPage(req)) res.writeHead(303, { Location: "/" }).end();
  else res.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

async function readForm(req: IncomingMessage): Promise<URLSearchParams | undefined> {
  let text = "";
  for await (const chunk of req.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > LONGEST) return undefined;
  }
  return new URLSearchParams(text);
}

function wantsPage({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes("text/html") ?? false;
}

function hostOf({ headers }: IncomingMessage): string {
  const url = `http://${headers.host}`;
  return URL.canParse(url) ? new URL(url).hostname : "";
}
