import { html } from "hono/html";
import type { Html } from "../html.ts";

/** Bytes of a Set-Cookie line that every browser keeps; Flask's SESSION_COOKIE limit. */
const LIMIT = 4093;

export function sizeBar(bytes: number): Html {
  return html`<div class="size">
<meter min="0" max="${LIMIT}" low="${LIMIT / 2}" high="${LIMIT * 0.85}" optimum="0" value="${Math.min(bytes, LIMIT)}" aria-label="Size of the cookie"></meter>
<span>${bytes} of ${LIMIT} bytes</span>
</div>`;
}
