import { html } from "hono/html";
import type { Html } from "../html.ts";

const TOKEN = /^([\w-]{16})\.([\w-]{43})$/;

/** Whether a cookie is the token of a stored session: selector and verifier. */
export function isToken(value: string): boolean {
  return TOKEN.test(value);
}

/** The two halves in two colours. The second is a secret, so only its end is shown, which is enough to see a change. */
export function tokenText(value: string): Html {
  const [, selector = "", verifier = ""] = TOKEN.exec(value) ?? [];
  return html`<code class="cookie-text"><span class="c-data">${selector}</span><span class="dot">.</span><span class="c-sign">${hidden(verifier)}</span></code>`;
}

/** The two halves with their meaning. */
export function tokenAnatomy(value: string): Html {
  const [, selector = "", verifier = ""] = TOKEN.exec(value) ?? [];
  return html`<dl class="anatomy">
<div><dt class="c-data">Selector <small>names the record; no secret</small></dt><dd><span class="hash">${selector}</span></dd></div>
<div><dt class="c-sign">Verifier <small>the secret; the store has only its SHA-256</small></dt>
<dd><span class="hash">${hidden(verifier)}</span></dd></div>
</dl>`;
}

/** Another verifier with the same selector, as an attacker who knows the store could try. */
export function forgeToken(value: string): string {
  const at = value.length - 2;
  return value.slice(0, at) + (value[at] === "A" ? "B" : "A") + value.slice(at + 1);
}

function hidden(verifier: string): string {
  return "•".repeat(12) + verifier.slice(-3);
}
