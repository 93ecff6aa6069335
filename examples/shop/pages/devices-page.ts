import type { OwnedSession } from "hipflask";
import { html, raw } from "hono/html";
import type { Html } from "../html.ts";
import type { Page } from "../shop-env.ts";
import { masthead } from "./masthead.ts";

export function devicesPage(devices: readonly OwnedSession[]): Page {
  const others = devices.filter(({ isCurrent }) => !isCurrent);
  return {
    title: "My devices",
    content: html`${masthead()}
<main id="main">
<section class="welcome" aria-labelledby="devices-title">
<div>
<h1 id="devices-title">My devices. <span lang="zh">我的设备</span></h1>
<p>Everywhere you are logged in. Sessions are kept in a store, so each can be ended from here, at once and for good.</p>
</div>
</section>
<ul class="devices">${devices.map(device)}</ul>
<div class="device-actions">
<a class="button" href="/">Back to the shelf</a>
${
  others.length === 0
    ? raw("")
    : html`<form method="post" action="/devices/end-others"><button>Log out everywhere else</button></form>`
}
</div>
</main>`,
  };
}

function device({ selector, device, createdAt, lastSeenAt, isCurrent }: OwnedSession): Html {
  return html`<li class="device">
<div>
<strong>${nameOf(String(device ?? ""))}</strong>${isCurrent ? html` <span class="badge">this one</span>` : raw("")}
<small>since ${moment(createdAt)} · last seen ${moment(lastSeenAt)} · <code>${selector}</code></small>
</div>
<form method="post" action="/devices/end">
<input type="hidden" name="selector" value="${selector}">
<button>Log out<span class="for-ears"> on ${nameOf(String(device ?? ""))}</span></button>
</form>
</li>`;
}

const BROWSERS = ["Edg", "OPR", "Firefox", "Chrome", "Safari", "curl"];
const SYSTEMS = ["iPhone", "iPad", "Android", "Windows", "Mac OS", "Linux"];
const WORDS: Readonly<Record<string, string>> = {
  Edg: "Edge",
  OPR: "Opera",
  "Mac OS": "a Mac",
  iPhone: "an iPhone",
  iPad: "an iPad",
};

/** A short description of a User-Agent; the first match wins, since browsers contain each other's names. */
function nameOf(userAgent: string): string {
  const named = (words: readonly string[]) => words.find((word) => userAgent.includes(word));
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)].map((word) => word && (WORDS[word] ?? word));
  if (browser === undefined) return "Some device";
  return system === undefined ? browser : `${browser} on ${system}`;
}

function moment(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" data-local>${iso.slice(0, 16).replace("T", " ")} UTC</time>`;
}
