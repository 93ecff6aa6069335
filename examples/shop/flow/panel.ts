import { html, raw } from "hono/html";
import type { Html } from "../html.ts";
import { anatomy, cookieText } from "./anatomy.ts";
import { sizeBar } from "./size-bar.ts";
import { isToken } from "./token.ts";
import { steps, valueOf } from "./steps.ts";
import type { Numbered, Visitor } from "./visitors.ts";

/** The other half of the page: this browser's cookie, and its last requests. */
export function flowPanel(visitor: Visitor): Html {
  return html`<aside class="flow" id="flow" aria-labelledby="flow-title" data-version="${visitor.version}">
<header>
<h2 id="flow-title">Your session, request by request</h2>
<p>Only the requests of this browser. A real shop never shows this: anyone who sees a cookie can use it.</p>
</header>
${cookieNow(visitor)}
<h3>Your last requests</h3>
<ol class="requests" reversed start="${visitor.version}">${visitor.records.map(request)}</ol>
</aside>`;
}

/** The browser's cookie after the newest request: the one that was set, or else the one that was sent. */
function cookieNow({ records, forgery }: Visitor): Html {
  const newest = records[0];
  const line = newest?.setCookie;
  const value = line === undefined ? newest?.cookieIn : valueOf(line);
  if (value === undefined || value === "") {
    return html`<section class="now" aria-labelledby="now-title">
<h3 id="now-title">Your cookie</h3>
<p class="none">None yet. The shop has nothing to remember, so it has set no cookie.</p>
</section>`;
  }
  const isForgery = forgery?.altered === value;
  const isRefused = line === undefined && newest?.verdict.kind === "refused";
  const made = isToken(value) ? "given by the shop" : "signed by the shop";
  const badge = isForgery ? "tampered with" : isRefused ? "refused by the shop" : made;
  return html`<section class="now${isForgery || isRefused ? " now-bad" : ""}" aria-labelledby="now-title">
<h3 id="now-title">Your cookie <span class="badge">${badge}</span></h3>
${cookieText(value, isForgery ? forgery.original : value)}
${anatomy(value)}
${sizeBar("session=".length + value.length)}
<form class="tamper" method="post" action="/flow/tamper">
<button id="tamper">${isForgery ? "Put the byte back" : "Tamper with it"}</button>
<p>${
    isForgery
      ? "One byte is different, so the signature does not match: to the shop you are a stranger."
      : "Changes one byte of it in your own browser. See whether the shop accepts it."
  }</p>
</form>
</section>`;
}

/** The newest is open, together with the POST that redirected to it. */
function request(record: Numbered, index: number, all: readonly Numbered[]): Html {
  const isOpen = index === 0 || (index === 1 && record.status === 303 && all[0]?.method === "GET");
  return html`<li>
<details class="request" id="request-${record.number}"${raw(isOpen ? " open" : "")}>
<summary>
<span class="method method-${record.method.toLowerCase()}">${record.method}</span>
<code class="path">${record.path}</code>
<span class="gist">${gist(record)}</span>
<span class="status">${record.status}</span>
</summary>
${steps(record)}
</details>
</li>`;
}

function gist({ verdict, outcome, note }: Numbered): string {
  if (note !== undefined) return "forged";
  const opened = { unread: "not accessed", empty: "empty", accepted: "accepted", refused: "refused" }[
    verdict.kind
  ];
  const saved = { nothing: "", write: " → written", refresh: " → refreshed", delete: " → deleted" }[outcome];
  return opened + saved;
}
