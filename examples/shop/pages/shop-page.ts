import { html } from "hono/html";
import { cartLines } from "../cart.ts";
import { catalogue, type Good } from "../catalogue.ts";
import type { Html } from "../html.ts";
import { session } from "../session.ts";
import type { Page } from "../shop-env.ts";
import { cartSlip } from "./cart-slip.ts";
import { masthead } from "./masthead.ts";
import { welcome } from "./welcome.ts";

export function shopPage(): Page {
  const { username } = session;
  return {
    title: username === undefined ? "Hello, stranger" : `Hello, ${username}`,
    content: html`${masthead()}
<main id="main">
${welcome()}
<section class="shelf" aria-labelledby="shelf-title">
<h2 id="shelf-title">For short walks <span lang="zh">随身小物</span></h2>
<ul class="goods">${[...catalogue.values()].map(tile)}</ul>
</section>
${cartSlip(cartLines())}
</main>`,
  };
}

function tile({ id, name, chinese, price }: Good): Html {
  return html`<li class="good good-${id}" id="${id}">
<svg class="picture" viewBox="0 0 96 96" aria-hidden="true"><use href="/static/goods.svg#${id}"/></svg>
<h3>${name} <span lang="zh">${chinese}</span></h3>
<p class="price">¥${price}</p>
<form method="post" action="/cart/add">
<button class="add" name="good" value="${id}" aria-label="Add ${name} to the cart">Add</button>
</form>
</li>`;
}
