import { html, raw } from "hono/html";
import type { MiddlewareHandler } from "hono";
import { flowPanel } from "../flow/panel.ts";
import type { Html } from "../html.ts";
import type { Page, ShopEnv } from "../shop-env.ts";

/**
 * Renders the page around the view. Runs outside the recorder, so that the flow includes this request and its saved
 * session.
 */
export const frame: MiddlewareHandler<ShopEnv> = async (c, next) => {
  await next();
  const { page, visitor } = c.var;
  if (page === undefined) return;
  const body = await document(page, visitor === undefined ? raw("") : flowPanel(visitor));
  c.res = new Response(String(body), {
    status: c.res.status,
    headers: { "Content-Type": "text/html; charset=UTF-8" },
  });
};

function document({ title, content }: Page, flow: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="A small shop that shows each step of its sessions.">
<title>${title} · hipflask outfitters</title>
<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/shop.css">
<link rel="stylesheet" href="/static/flow.css">
<script src="/static/flow.js" type="module"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the shop</a>
<div class="halves">
<div class="shop">${content}</div>
${flow}
</div>
</body>
</html>
`;
}
