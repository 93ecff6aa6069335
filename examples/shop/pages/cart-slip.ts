import { html, raw } from "hono/html";
import { MAX_QUANTITY, totalOf, type CartLine } from "../cart.ts";
import type { Html } from "../html.ts";
import { session } from "../session.ts";

/** The cart as a list with totals. */
export function cartSlip(lines: readonly CartLine[]): Html {
  return html`<section class="slip" id="cart" aria-labelledby="cart-title">
<h2 id="cart-title">Cart <span lang="zh">购物车</span></h2>
${lines.length === 0 ? html`<p class="empty">Nothing in it yet.</p>` : fullSlip(lines)}
</section>`;
}

function fullSlip(lines: readonly CartLine[]): Html {
  const total = totalOf(lines);
  return html`<ul class="lines">${lines.map(row)}</ul>
<p class="total"><span>Total</span> <strong>¥${total}</strong></p>
${session.username === undefined ? html`<p class="hint">Log in to check out: the till wants a name.</p>` : checkout(total)}`;
}

function row({ good, quantity }: CartLine): Html {
  return html`<li>
<span class="what">${good.name}</span>
<form class="stepper" method="post" action="/cart/quantity">
<input type="hidden" name="good" value="${good.id}">
<button name="quantity" value="${quantity - 1}" aria-label="One ${good.name} less">−</button>
<output aria-label="Number of ${good.name}">${quantity}</output>
<button name="quantity" value="${quantity + 1}" aria-label="One ${good.name} more"${
    quantity >= MAX_QUANTITY ? raw(" disabled") : ""
  }>+</button>
</form>
<span class="sum">¥${good.price * quantity}</span>
</li>`;
}

/** Contains the order and its price, so that an outdated page cannot order something else. */
function checkout(total: number): Html {
  return html`<form class="checkout" method="post" action="/checkout">
<input type="hidden" name="order" value="${session.order ?? ""}">
<input type="hidden" name="total" value="${total}">
<button class="primary">Check out as <bdi>${session.username}</bdi></button>
</form>
<p class="number">No. ${session.order}</p>`;
}
