import { html, type Html } from "./html.ts";

/** Minimum size of a cookie that browsers must support, including name and attributes (RFC 6265 §6.1). */
const LIMIT = 4096;

/** Shows the size of a cookie relative to the limit of browsers. */
export function sizeMeter(bytes: number): Html {
  return html`<span class="size"><meter min="0" max="${LIMIT}" low="${LIMIT * 0.75}" high="${LIMIT - 1}" optimum="0" value="${Math.min(bytes, LIMIT)}" aria-label="Size of the cookie"></meter>
<span${bytes > LIMIT && html` class="bad"`}>${bytes} of ${LIMIT} bytes</span></span>`;
}
