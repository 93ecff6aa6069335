import { html, raw } from "hono/html";
import { cartLines, countOf } from "../cart.ts";
import type { Html } from "../html.ts";
import { session } from "../session.ts";

/** The top of every page of the shop: its sign, and the way to the cart. */
export function masthead(): Html {
  const count = countOf(cartLines());
  const devices =
    session.owner === null ? raw("") : html`<a class="to-devices" href="/devices">My devices</a>`;
  return html`<header class="masthead">
${sign()}
${devices}
<a class="to-cart" href="/#cart">Cart <span class="count">${count}</span></a>
</header>
${messages()}`;
}

/** The name of the shop, which says nothing of its visitor. */
export function sign(): Html {
  return html`<a class="brand" href="/">
<svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true"><use href="/static/favicon.svg#mark"/></svg>
<span>hipflask <em>outfitters</em></span>
</a>`;
}

/** What was left with `session.flash` in the request before. */
function messages(): Html {
  const flashed = session.getFlashedMessages({ withCategories: true });
  if (flashed.length === 0) return raw("");
  return html`<div class="messages" role="status">
${flashed.map(([category, message]) => html`<p class="message message-${category}">${message}</p>`)}
</div>`;
}
