import { inspectCookie } from "hipflask";
import { html, raw } from "hono/html";
import type { Html } from "../html.ts";
import { isToken, tokenAnatomy, tokenText } from "./token.ts";

/** Maximum number of characters to show. */
const SHOWN = 8192;

/**
 * The value of a cookie in three colours: data, time, signature.
 *
 * @param original the value before it was altered; the difference is marked
 */
export function cookieText(value: string, original = value): Html {
  if (isToken(value)) return tokenText(value);
  const { payload, timestamp, signature } = inspectCookie(value.slice(0, SHOWN));
  return html`<code class="cookie-text"><span class="c-data">${marked(payload, original)}</span>${part("c-time", timestamp)}${part("c-sign", signature)}</code>`;
}

/** The three parts, each with what it means. */
export function anatomy(value: string): Html {
  if (isToken(value)) return tokenAnatomy(value);
  const { json, isCompressed, problem, signedAt, timestamp, signature } = inspectCookie(
    value.slice(0, SHOWN),
  );
  const spelling = isCompressed ? "zlib in base64url" : "base64url";
  const data =
    json === undefined ? nothing(problem ?? "unreadable") : html`<pre tabindex="0">${pretty(json)}</pre>`;
  const time =
    signedAt === undefined ? nothing(timestamp === "" ? "missing" : "unreadable") : moment(signedAt);
  return html`<dl class="anatomy">
<div><dt class="c-data">Data <small>${spelling}: anyone can read it</small></dt><dd>${data}</dd></div>
<div><dt class="c-time">Time <small>when it was signed</small></dt><dd>${time}</dd></div>
<div><dt class="c-sign">Signature <small>needs the secret key</small></dt>
<dd>${signature === "" ? nothing("missing") : html`<span class="hash">${signature}</span>`}</dd></div>
</dl>`;
}

function part(name: string, text: string): Html {
  return text === "" ? raw("") : html`<span class="dot">.</span><span class="${name}">${text}</span>`;
}

/** From the first to the last differing character. */
function marked(text: string, original: string): Html {
  let start = 0;
  while (start < text.length && text[start] === original[start]) start++;
  if (start === text.length) return html`${text}`;
  let end = text.length;
  while (end > start + 1 && text[end - 1] === original[end - 1]) end--;
  return html`${text.slice(0, start)}<mark>${text.slice(start, end)}</mark>${text.slice(end)}`;
}

function moment(date: Date): Html {
  const iso = date.toISOString();
  return html`<time datetime="${iso}">${iso.replace("T", " ").replace(".000Z", " UTC")}</time>`;
}

function nothing(why: string): Html {
  return html`<em>${why}</em>`;
}

/** A line for each key, for display only: `JSON` may change large numbers. */
export function pretty(json: string): string {
  try {
    const entries = Object.entries(JSON.parse(json) as object);
    const lines = entries.map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
    return `{\n${lines.join(",\n")}\n}`.slice(0, SHOWN);
  } catch {
    return json.slice(0, SHOWN);
  }
}
