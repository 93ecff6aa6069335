import type { RefusalReason } from "../codecs/codec.ts";
import type { RequestTrace, Verdict } from "./request-trace.ts";
import { html, type Html } from "./html.ts";
import { sizeMeter } from "./size-meter.ts";

/** Why a cookie was refused, in words. */
export const REASONS: Readonly<Record<RefusalReason, string>> = {
  bad_signature: "the signature does not match the data",
  bad_timestamp: "its timestamp cannot be decoded",
  expired: "it has expired",
  future: "its timestamp is in the future",
  bad_payload: "its data cannot be decoded",
  bad_shape: "its data is not an object",
  too_long: "it is too long",
  unknown_key: "it names an unknown key",
  schema: "its data does not match the schema",
  pickle: "its record is a Python pickle, which is never loaded",
  malformed: "it is not a session token",
  unknown: "there is no such session, or it has ended",
  undecodable: "its record cannot be decoded",
  ambiguous: "the request has the cookies of two sessions",
};

type Lamp = "on" | "off" | "good" | "bad";

/** The last requests, newest first; the newest is open. */
export function flowList(traces: readonly RequestTrace[]): Html {
  if (traces.length === 0) {
    return html`<p class="none">No requests yet. Use the app in another tab: its requests appear here automatically.</p>`;
  }
  return html`<ol class="requests">${traces.map((trace, index) => request(trace, index === 0))}</ol>`;
}

function request(trace: RequestTrace, isOpen: boolean): Html {
  const { number, method, path, at, status, failure } = trace;
  const { words, lamp } = gist(trace);
  return html`<li><details class="request" id="request-${number}"${isOpen && html` open`}>
<summary><span class="method">${method || "request"}</span> <code class="path">${path}</code>
<span class="gist lamp-${lamp}">${words}</span>
<span class="status${(failure !== undefined || (status ?? 0) >= 500) && " bad"}">${status ?? (failure ? "failed" : "–")}</span>
<time datetime="${new Date(at).toISOString()}">${new Date(at).toISOString().slice(11, 19)}</time></summary>
<ol class="steps">${[cameIn(trace), opened(trace), handled(trace), saved(trace), wentOut(trace)]}</ol>
</details></li>`;
}

function gist({ verdict, outcome, failure }: RequestTrace): { words: string; lamp: Lamp } {
  if (failure !== undefined) return { words: `${failure.step} failed`, lamp: "bad" };
  const came = { unread: "not accessed", empty: "empty", accepted: "accepted", refused: "refused" }[
    verdict.kind
  ];
  const went = { nothing: "", write: " → written", refresh: " → refreshed", delete: " → deleted" }[outcome];
  const lamp =
    verdict.kind === "refused" ? "bad" : verdict.kind === "accepted" ? "good" : went ? "on" : "off";
  return { words: came + went, lamp };
}

function cameIn({ cookieIn }: RequestTrace): Html {
  if (cookieIn === undefined) return step("Cookie", "off", html`No session cookie.`);
  return step("Cookie", "on", sizeMeter(cookieIn));
}

function opened({ verdict, took, failure, selector, events }: RequestTrace): Html {
  if (failure?.step === "open") return step("openSession", "bad", html`Failed: <code>${failure.code}</code>`);
  const migrated = events.filter((text) => text.startsWith("migrated"));
  return step(
    "openSession",
    LAMPS[verdict.kind],
    html`${inWords(verdict)}${selector !== undefined && html` <code>${selector}</code>`}${notes(migrated)}`,
    took.open,
  );
}

const LAMPS: Readonly<Record<Verdict["kind"], Lamp>> = {
  unread: "off",
  empty: "off",
  accepted: "good",
  refused: "bad",
};

function inWords(verdict: Verdict): Html {
  switch (verdict.kind) {
    case "unread":
      return html`The session was not accessed, so its cookie was not verified.`;
    case "empty":
      return html`Empty.`;
    case "accepted":
      return html`<strong>Accepted</strong>, ${verdict.keys} ${verdict.keys === 1 ? "key" : "keys"} inside.`;
    case "refused":
      return html`<strong>Refused:</strong> ${REASONS[verdict.reason]}. The session starts empty. <code>${verdict.reason}</code>`;
  }
}

function handled({ read, changes, took, failure }: RequestTrace): Html {
  if (failure?.step === "open") return step("handler", "off", html`Not called.`);
  if (read.size + changes.length === 0)
    return step("handler", "off", html`Did not access the session.`, took.handle);
  const asked = [...read].map((key) => html` <code>${key}</code>`);
  const changed = changes.map(({ key, kind }) => html`<span class="note">${kind} <code>${key}</code></span>`);
  return step(
    "handler",
    "on",
    html`${asked.length > 0 && html`<span class="note">read${asked}</span>`}${changed}`,
    took.handle,
  );
}

const OUTCOMES: Readonly<Record<RequestTrace["outcome"], string>> = {
  nothing: "Not modified: no cookie is sent.",
  write: "Modified: saved.",
  refresh: "Not modified, but permanent: sent again with a later expiry.",
  delete: "Empty or ended: the cookie is deleted.",
};

function saved({ outcome, took, failure, events, changes, setCookie }: RequestTrace): Html {
  if (failure?.step === "open") return step("saveSession", "off", html`Not called.`);
  if (failure?.step === "save") {
    return step(
      "saveSession",
      "bad",
      html`Failed: <code>${failure.code}</code> The response is an error.`,
      took.save,
    );
  }
  const others = events.filter((text) => !text.startsWith("migrated"));
  const isBad = others.some((text) => /^(lost|reused|store failed)/.test(text));
  // A store keeps what changed without a new cookie.
  const isStored = outcome === "nothing" && changes.length > 0 && setCookie === undefined && !isBad;
  const words = isStored ? "Modified: saved in the store before the response." : OUTCOMES[outcome];
  const lamp = isBad ? "bad" : outcome !== "nothing" || isStored || others.length > 0 ? "on" : "off";
  return step("saveSession", lamp, html`${words}${notes(others)}`, took.save);
}

function wentOut({ setCookie }: RequestTrace): Html {
  if (setCookie === undefined)
    return step("Set-Cookie", "off", html`Not sent: the browser keeps its cookie.`);
  const { size, attributes, isRemoval } = setCookie;
  return step(
    "Set-Cookie",
    "on",
    html`${isRemoval ? html`<strong>Deletes the cookie.</strong>` : sizeMeter(size)}<code class="line">${attributes}</code>`,
  );
}

function notes(texts: readonly string[]): Html {
  return html`${texts.map((text) => html`<span class="note">${text}</span>`)}`;
}

function step(name: string, lamp: Lamp, what: Html, took?: number): Html {
  return html`<li class="step lamp-${lamp}"><h3>${name}${took !== undefined && html` <small>${took.toFixed(took < 10 ? 2 : 0)} ms</small>`}</h3><div>${what}</div></li>`;
}
