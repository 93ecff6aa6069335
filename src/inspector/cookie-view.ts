import type { Fields } from "../json/fields.ts";
import { REASONS } from "./flow-view.ts";
import { html, type Html } from "./html.ts";
import type { PastedCookie, PastedVerdict } from "./pasted-cookie.ts";
import { sizeMeter } from "./size-meter.ts";

/** Maximum number of characters of a value to show. */
const SHOWN = 4096;

/** The form for a cookie, and the parts of the pasted one. */
export function cookieSection(pasted: PastedCookie | undefined): Html {
  return html`<section class="card" id="cookie"><h2>Inspect a cookie</h2>
<form method="post"><input type="hidden" name="action" value="inspect">
<label for="value">The value, or a whole <code>Cookie</code> or <code>Set-Cookie</code> line. Only shown to you; not stored or logged.</label>
<textarea id="value" name="cookie" rows="3" required maxlength="16384" spellcheck="false" autocomplete="off"></textarea>
<button>Inspect</button></form>
${pasted !== undefined && inspected(pasted)}</section>`;
}

function inspected({ size, verdict, parts, selector, record }: PastedCookie): Html {
  const { words, lamp } = judged(verdict);
  return html`<div class="inspected" role="status">
<p class="verdict lamp-${lamp}">${words}</p>${sizeMeter(size)}
${parts !== undefined && html`<code class="cookie-text"><span class="c-data">${parts.payload.slice(0, SHOWN)}</span>${part("c-time", parts.timestamp)}${part("c-sign", parts.signature)}</code>`}
<dl>${selector !== undefined && row("Selector", "c-data", "identifies the record; the verifier after the dot is secret and not shown", html`<code>${selector}</code>`)}
${parts?.json !== undefined && verdict.kind !== "accepted" && row("Data", "c-data", parts.isCompressed ? "zlib in base64url; not verified" : "base64url; not verified", html`<pre tabindex="0">${readable(parts.json).slice(0, SHOWN)}</pre>`)}
${parts?.problem !== undefined && row("Data", "c-data", "cannot be decoded", html`${parts.problem}`)}
${verdict.kind === "accepted" && row("Data", "c-data", verdict.fields.size === 1 ? "1 key" : `${verdict.fields.size} keys`, fieldsOf(verdict.fields))}
${parts?.signedAt !== undefined && row("Time", "c-time", "when it was signed", moment(parts.signedAt.getTime()))}
${parts !== undefined && parts.signature !== "" && row("Signature", "c-sign", "needs the secret key", html`<code>${parts.signature}</code>`)}
${record !== undefined && record.owner !== null && row("Owner", "", "", html`<code>${record.owner}</code>`)}
${record !== undefined && row("Record", "c-time", "created · last seen · expires", html`${moment(record.createdAt)}<br>${moment(record.lastSeenAt)}<br>${moment(record.expiresAt)}`)}
</dl></div>`;
}

function judged(verdict: PastedVerdict): { words: Html; lamp: string } {
  switch (verdict.kind) {
    case "accepted":
      return { words: html`<strong>Accepted</strong> by this app.`, lamp: "good" };
    case "refused":
      return {
        words: html`<strong>Refused</strong> by this app: ${REASONS[verdict.reason]}. <code>${verdict.reason}</code>`,
        lamp: "bad",
      };
    case "unknown":
      return { words: html`This app has no secret key to verify it.`, lamp: "off" };
  }
}

function fieldsOf(fields: Fields): Html {
  if (fields.size === 0) return html`<em>empty</em>`;
  const lines = [...fields].map(([key, text]) => `${JSON.stringify(key)}: ${readable(text)}`);
  return html`<pre tabindex="0">${lines.join("\n").slice(0, SHOWN)}</pre>`;
}

/** Flask escapes non-ASCII characters; the page shows them unescaped. */
function readable(json: string): string {
  return json.replace(/\\\\|(?:\\u[\da-f]{4})+/gi, (escapes) => {
    if (escapes === "\\\\") return escapes;
    const text = JSON.parse(`"${escapes}"`) as string;
    return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+$/u.test(text) && !/["\\]/.test(text) ? text : escapes;
  });
}

function part(name: string, text: string): Html | false {
  return text !== "" && html`<span class="dot">.</span><span class="${name}">${text}</span>`;
}

function row(name: string, colour: string, meaning: string, what: Html): Html {
  return html`<div><dt class="${colour}">${name} <small>${meaning}</small></dt><dd>${what}</dd></div>`;
}

/** An instant, in UTC. */
export function moment(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace("T", " ")} UTC</time>`;
}
