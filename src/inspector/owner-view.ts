import type { OwnedSession } from "../manager/manager.ts";
import { moment } from "./cookie-view.ts";
import { html, type Html } from "./html.ts";

/** The live sessions of an owner; `undefined` without a query. */
export interface OwnerSessions {
  readonly owner: string;
  /** The sessions, or why they cannot be listed. */
  readonly sessions: readonly OwnedSession[] | string;
}

/** The form for an owner, and the sessions of the requested one. */
export function ownerSection(asked: OwnerSessions | undefined): Html {
  return html`<section class="card" id="sessions"><h2>Live sessions</h2>
<form method="get"><label for="owner">Owner: the ID that was assigned to <code>session.owner</code>.</label>
<div class="row"><input id="owner" name="owner" required maxlength="512" value="${asked?.owner}"><button>Show</button></div></form>
${asked !== undefined && answer(asked)}</section>`;
}

function answer({ owner, sessions }: OwnerSessions): Html {
  if (typeof sessions === "string") return html`<p class="verdict lamp-bad" role="status">${sessions}</p>`;
  if (sessions.length === 0) return html`<p class="none" role="status">No live sessions.</p>`;
  return html`<ul class="sessions">${sessions.map((session) => row(owner, session))}</ul>
<form method="post"><input type="hidden" name="action" value="revoke-all"><input type="hidden" name="owner" value="${owner}">
<button class="danger">End all ${sessions.length}</button></form>`;
}

function row(
  owner: string,
  { selector, device, isCurrent, createdAt, lastSeenAt, expiresAt }: OwnedSession,
): Html {
  return html`<li><div><code>${selector}</code>${isCurrent && html` <span class="badge">this session</span>`}
${device !== undefined && html`<span class="device">${JSON.stringify(device).slice(0, 300)}</span>`}
<small>created ${moment(createdAt)}<br>last seen ${moment(lastSeenAt)}<br>expires ${moment(expiresAt)}</small></div>
<form method="post"><input type="hidden" name="action" value="revoke"><input type="hidden" name="owner" value="${owner}"><input type="hidden" name="selector" value="${selector}"><button class="danger" aria-label="End session ${selector}">End</button></form></li>`;
}
