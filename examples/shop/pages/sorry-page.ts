import { hasSession } from "hipflask";
import { html } from "hono/html";
import type { Page } from "../shop-env.ts";
import { masthead, sign } from "./masthead.ts";

/** The error page. It has a session, too, unless that failed. */
export function sorryPage(title: string, text: string): Page {
  return {
    title,
    content: html`${hasSession() ? masthead() : sign()}
<main id="main">
<section class="welcome" aria-labelledby="sorry">
<div>
<h1 id="sorry">${title}</h1>
<p>${text}</p>
</div>
</section>
<p><a class="button" href="/">Back to the shop</a></p>
</main>`,
  };
}
