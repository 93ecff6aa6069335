import type { RefusalReason } from "../codecs/codec.ts";
import type { FlowRecord, Verdict } from "./flow-record.ts";
import { html, type Html } from "./html.ts";
import { sizeMeter } from "./size-meter.ts";

/** Why a cookie was refused, in words. */
export const REASONS: Readonly<Record<RefusalReason, string>> = {
  bad_signature: "the signature does not fit the data",
  bad_timestamp: "its time cannot be read",
  expired: "it is too old",
  future: "it was signed in the future",
  bad_payload: "its data cannot be decoded",
  bad_shape: "its data is not a dictionary",
  too_long: "it is too long",
  unknown_key: "it names a key that is not here",
  schema: "its data does not fit the schema",
  pickle: "its record is pickled, which is never read",
  malformed: "it is not a token",
  unknown: "there is no such session, or it has ended",
  undecodable: "its record cannot be read",
  ambiguous: "two sessions came in at once",
};

type Lamp = "on" | "off" | "good" | "bad";

/** The last requests, newest first; the newest is open. */
export function flowList(records: readonly FlowRecord[]): Html {
  if (records.length === 0) {
    return html`<p class="none">No request yet. Use the app in another tab: each request shows up here by itself.</p>`;
  }
  return html`<ol class="requests">${records.map((record, index) => request(record, index === 0))}</ol>`;
}

function request(record: FlowRecord, isOpen: boolean): Html {
  const { number, method, path, at, status, failure } = record;
  const { words, lamp } = gist(record);
  return html`<li><details class="request" id="request-${number}"${isOpen && html` open`}>
<summary><span class="method">${method || "request"}</span> <code class="path">${path}</code>
<span class="gist lamp-${lamp}">${words}</span>
<span class="status${(failure !== undefined || (status ?? 0) >= 500) && " bad"}">${status ?? (failure ? "failed" : "–")}</span>
<time datetime="${new Date(at).toISOString()}">${new Date(at).toISOString().slice(11, 19)}</time></summary>
<ol class="steps">${[cameIn(record), opened(record), handled(record), saved(record), wentOut(record)]}</ol>
</details></li>`;
}

function gist({ verdict, outcome, failure }: FlowRecord): { words: string; lamp: Lamp } {
  if (failure !== undefined) return { words: `${failure.step} failed`, lamp: "bad" };
  const came = { unread: "not looked at", empty: "empty", recognised: "recognised", refused: "refused" }[
    verdict.kind
  ];
  const went = { nothing: "", write: " → written", refresh: " → refreshed", delete: " → removed" }[outcome];
  const lamp =
    verdict.kind === "refused" ? "bad" : verdict.kind === "recognised" ? "good" : went ? "on" : "off";
  return { words: came + went, lamp };
}

function cameIn({ cookieIn }: FlowRecord): Html {
  if (cookieIn === undefined) return step("Cookie", "off", html`None came in.`);
  return step("Cookie", "on", sizeMeter(cookieIn));
}

function opened({ verdict, took, failure, selector, events }: FlowRecord): Html {
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
  recognised: "good",
  refused: "bad",
};

function inWords(verdict: Verdict): Html {
  switch (verdict.kind) {
    case "unread":
      return html`The session was not accessed, so nothing was verified.`;
    case "empty":
      return html`An empty session.`;
    case "recognised":
      return html`<strong>Recognised</strong>, ${verdict.keys} ${verdict.keys === 1 ? "key" : "keys"} inside.`;
    case "refused":
      return html`<strong>Refused:</strong> ${REASONS[verdict.reason]}. An empty session instead. <code>${verdict.reason}</code>`;
  }
}

function handled({ read, changes, took, failure }: FlowRecord): Html {
  if (failure?.step === "open") return step("handler", "off", html`Not called.`);
  if (read.size + changes.length === 0)
    return step("handler", "off", html`Left the session alone.`, took.handle);
  const asked = [...read].map((key) => html` <code>${key}</code>`);
  const changed = changes.map(({ key, kind }) => html`<span class="note">${kind} <code>${key}</code></span>`);
  return step(
    "handler",
    "on",
    html`${asked.length > 0 && html`<span class="note">read${asked}</span>`}${changed}`,
    took.handle,
  );
}

const OUTCOMES: Readonly<Record<FlowRecord["outcome"], string>> = {
  nothing: "Nothing changed, nothing sent.",
  write: "Changed: written.",
  refresh: "Unchanged, but permanent: written anew for a later expiry.",
  delete: "Empty or over: the cookie is removed.",
};

function saved({ outcome, took, failure, events, changes, setCookie }: FlowRecord): Html {
  if (failure?.step === "open") return step("saveSession", "off", html`Not called.`);
  if (failure?.step === "save") {
    return step(
      "saveSession",
      "bad",
      html`Failed: <code>${failure.code}</code> The answer is an error.`,
      took.save,
    );
  }
  const others = events.filter((text) => !text.startsWith("migrated"));
  const isBad = others.some((text) => /^(lost|reused|store failed)/.test(text));
  // A store keeps what changed without a new cookie.
  const isStored = outcome === "nothing" && changes.length > 0 && setCookie === undefined && !isBad;
  const words = isStored ? "Changed: kept in the store, before the answer." : OUTCOMES[outcome];
  const lamp = isBad ? "bad" : outcome !== "nothing" || isStored || others.length > 0 ? "on" : "off";
  return step("saveSession", lamp, html`${words}${notes(others)}`, took.save);
}

function wentOut({ setCookie }: FlowRecord): Html {
  if (setCookie === undefined) return step("Set-Cookie", "off", html`None: the browser keeps what it has.`);
  const { size, attributes, isRemoval } = setCookie;
  return step(
    "Set-Cookie",
    "on",
    html`${isRemoval ? html`<strong>Removes the cookie.</strong>` : sizeMeter(size)}<code class="line">${attributes}</code>`,
  );
}

function notes(texts: readonly string[]): Html {
  return html`${texts.map((text) => html`<span class="note">${text}</span>`)}`;
}

function step(name: string, lamp: Lamp, what: Html, took?: number): Html {
  return html`<li class="step lamp-${lamp}"><h3>${name}${took !== undefined && html` <small>${took.toFixed(took < 10 ? 2 : 0)} ms</small>`}</h3><div>${what}</div></li>`;
}
