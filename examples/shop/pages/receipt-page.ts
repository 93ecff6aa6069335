import { html } from "hono/html";
import type { Page } from "../shop-env.ts";
import type { Order } from "../till.ts";
import { masthead } from "./masthead.ts";

export function receiptPage({ number, customer, lines, total }: Order): Page {
  return {
    title: "Thank you",
    content: html`${masthead()}
<main id="main">
<section class="welcome" aria-labelledby="thanks">
<div>
<h1 id="thanks">Thank you, <bdi>${customer}</bdi>. <span lang="zh">谢谢光临。</span></h1>
<p>Your order is in the till, once, however often the button is pressed. Your cart is empty again, and so is its part
of the cookie.</p>
</div>
</section>
<section class="slip" aria-labelledby="receipt-title">
<h2 id="receipt-title">Receipt <span lang="zh">小票</span></h2>
<ul class="lines">${lines.map(
      ({ good, quantity }) => html`<li>
<span class="what">${good.name}</span>
<span class="times">× ${quantity}</span>
<span class="sum">¥${good.price * quantity}</span>
</li>`,
    )}</ul>
<p class="total"><span>Total</span> <strong>¥${total}</strong></p>
<p class="number">No. ${number} · <bdi>${customer}</bdi></p>
</section>
<p><a class="button" href="/">Back to the shelf</a></p>
</main>`,
  };
}
