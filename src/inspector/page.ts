import { createHash } from "node:crypto";
import { cookieSection } from "./cookie-view.ts";
import type { RequestTrace } from "./request-trace.ts";
import { flowList } from "./flow-view.ts";
import { html, Html } from "./html.ts";
import { ownerSection, type OwnerSessions } from "./owner-view.ts";
import type { PastedCookie } from "./pasted-cookie.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** The content of the page. */
export interface Shown {
  /** A description of where sessions are stored. */
  readonly home: string;
  /** Number of requests so far. */
  readonly count: number;
  readonly traces: readonly RequestTrace[];
  readonly pasted?: PastedCookie | undefined;
  /** Whether sessions have owners. */
  readonly hasStore: boolean;
  readonly asked?: OwnerSessions | undefined;
}

/**
 * For every response: only the page's own inline script and style, by their hashes; no storing and no framing. The referrer
 * is kept for the page's forms, whose origin would be hidden without it.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": "text/html; charset=utf-8",
  "Cache-Control": "no-store",
  "Content-Security-Policy": [
    "default-src 'none'",
    `script-src '${hashOf(SCRIPT)}'`,
    `style-src '${hashOf(STYLE)}'`,
    "img-src data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "X-Robots-Tag": "noindex",
};

/** The whole page. */
export function page({ home, count, traces, pasted, hasStore, asked }: Shown): string {
  const { text } = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sessions · hipflask</title><link rel="icon" href="data:,"><style>${new Html(STYLE)}</style></head>
<body><header class="top"><h1>Sessions <small>hipflask inspector</small></h1><p>${home}</p></header>
<main><section class="flow" id="flow" data-count="${count}" aria-label="Requests">
<h2>The steps of each request <span class="pulse">live</span></h2>${flowList(traces)}</section>
<div class="tools">${cookieSection(pasted)}${hasStore && ownerSection(asked)}</div></main>
${new Html(`<script>${SCRIPT}</script>`)}</body></html>
`;
  return text;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
