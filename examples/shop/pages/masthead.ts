import { html, raw } from "hono/html";
import { cartLines, countOf } from "../cart.ts";
import type { Html } from "../html.ts";
import { session } from "../session.ts";

/** The header of every page, with the sign and a link to the cart. */
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

/** The name of the shop, independent of the visitor. */
export function sign(): Html {
  return html`<a class="brand" href="/">
<svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true"><use href="/static/favicon.svg#mark"/></svg>
<span>hipflask <em>outfitters</em></span>
</a>`;
}

/** The messages of `session.flash`. */
function messages(): Html {
  const flashed = session.getFlashedMessages({ withCategories: true });
  if (flashed.length === 0) return raw("");
  return html`<div class="messages" role="status">
${flashed.map(([category, message]) => html`<p class="message message-${category}">${message}</p>`)}
</div>`;
}
