import { html, type Html } from "./html.ts";

/** What browsers keep of a cookie at least, with its name and attributes (RFC 6265 §6.1). */
const LIMIT = 4096;

/** Bytes of a cookie beside what browsers keep. */
export function sizeMeter(bytes: number): Html {
  return html`<span class="size"><meter min="0" max="${LIMIT}" low="${LIMIT * 0.75}" high="${LIMIT - 1}" optimum="0" value="${Math.min(bytes, LIMIT)}" aria-label="Size of the cookie"></meter>
<span${bytes > LIMIT && html` class="bad"`}>${bytes} of ${LIMIT} bytes</span></span>`;
}
