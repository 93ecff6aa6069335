import type { RefusalReason } from "hipflask";
import { html, raw } from "hono/html";
import type { Html } from "../html.ts";
import { anatomy, cookieText, pretty } from "./anatomy.ts";
import { sizeBar } from "./size-bar.ts";
import type { FlowRecord, Operation } from "./flow-record.ts";

const REASONS: Record<RefusalReason, string> = {
  bad_signature: "the signature does not fit the data",
  bad_timestamp: "its time cannot be read",
  expired: "it is too old",
  future: "it was signed in the future",
  bad_payload: "its data cannot be decoded",
  bad_shape: "its data is not a dictionary",
  too_long: "it is too long",
  unknown_key: "it names a key we do not have",
  schema: "its data does not fit the schema",
  malformed: "it is not a token of ours",
  unknown: "there is no such session, or it has ended",
  undecodable: "its record cannot be read",
  pickle: "its record is pickled, which is never read",
  ambiguous: "two sessions came in at once",
};

const OUTCOMES: Record<FlowRecord["outcome"], string> = {
  nothing: "Nothing has changed, so nothing is sent.",
  write: "Changed: the session is signed anew.",
  refresh: "Unchanged, but permanent: signed anew, so that it lasts longer.",
  delete: "Empty now: the browser is told to drop the cookie.",
};

/** The steps of one request as a list, from the received cookie to the sent one. */
export function steps(record: FlowRecord): Html {
  const inside =
    record.note === undefined
      ? html`${opened(record)}${viewed(record)}${saved(record)}`
      : step("No session here", "bad", html`${record.note}`);
  return html`<ol class="steps">
${cameIn(record)}
${inside}
${wentOut(record)}
</ol>`;
}

function cameIn({ cookieIn }: FlowRecord): Html {
  if (cookieIn === undefined) return step("Cookie in", "off", html`The browser sent none.`);
  return step("Cookie in", "on", cookieIn === "" ? html`An empty one.` : takenApart(cookieIn));
}

function opened({ verdict, operations }: FlowRecord): Html {
  const name = "openSession";
  switch (verdict.kind) {
    case "unread":
      return step(name, "off", html`The session was not accessed, so it was not even verified.`);
    case "empty":
      return step(name, "off", html`No cookie, so an empty session.`);
    case "recognised": {
      const keys = verdict.keys === 1 ? "1 key" : `${verdict.keys} keys`;
      const proof = operations.length > 0 ? "The store knows it" : "The signature fits";
      return step(
        name,
        "good",
        html`<strong>Recognised.</strong> ${proof}; ${keys} inside.${asked("open", operations)}`,
      );
    }
    case "refused":
      return step(
        name,
        "bad",
        html`<strong>Refused:</strong> ${REASONS[verdict.reason]}. An empty session instead. <code>${verdict.reason}</code>`,
      );
  }
}

function viewed({ read, changes, operations }: FlowRecord): Html {
  const isUntouched = read.size + changes.length === 0;
  if (isUntouched && operations.every((operation) => stepOf(operation) !== "view"))
    return step("The view", "off", html`Did not touch the session.`);
  const keys = [...read].map((key) => html`<code>${key}</code> `);
  return step(
    "The view",
    "on",
    html`${keys.length === 0 ? raw("") : html`<span class="keys">read ${keys}</span>`}${changes.map(
      ({ key, kind }) => html`<span class="keys keys-${kind}">${kind} <code>${key}</code></span>`,
    )}${asked("view", operations)}`,
  );
}

function saved({ outcome, operations, stored }: FlowRecord): Html {
  const sent = operations.filter((operation) => stepOf(operation) === "save");
  const record =
    stored === undefined
      ? raw("")
      : html`<details class="apart"><summary>In the store</summary><pre tabindex="0">${pretty(stored)}</pre></details>`;
  if (sent.length > 0)
    return step(
      "saveSession",
      "on",
      html`Saved in the store before this answer.${asked("save", sent)}${record}`,
    );
  if (stored !== undefined) return step("saveSession", "off", html`${OUTCOMES[outcome]}${record}`);
  return step("saveSession", outcome === "nothing" ? "off" : "on", html`${OUTCOMES[outcome]}`);
}

/** The part of a request that uses this operation. */
function stepOf({ verb, keys }: Operation): "open" | "view" | "save" {
  if (verb === "readMany") return "view";
  if (verb === "read") return keys.includes("owner") ? "view" : "open";
  return "save";
}

/** The store's operations of a step, with keys and results. */
function asked(step: ReturnType<typeof stepOf>, operations: readonly Operation[]): Html {
  const shown = operations.filter((operation) => stepOf(operation) === step);
  return html`${shown.map(
    ({ verb, keys, answer }) =>
      html`<span class="keys"><code>store.${verb}</code> ${keys.map((key) => html`<code>${key}</code> `)}→ ${answer}</span>`,
  )}`;
}

function wentOut({ setCookie }: FlowRecord): Html {
  if (setCookie === undefined) {
    return step("Set-Cookie out", "off", html`None: the browser keeps what it has.`);
  }
  const value = valueOf(setCookie);
  const attributes = setCookie.slice("session=".length + value.length).replace(/^[; ]+/, "");
  return step(
    "Set-Cookie out",
    "on",
    html`${value === "" ? raw("") : takenApart(value)}<code class="line">${attributes}</code>${sizeBar(setCookie.length)}`,
  );
}

function takenApart(value: string): Html {
  return html`<details class="apart"><summary>${cookieText(value)}</summary>${anatomy(value)}</details>`;
}

function step(name: string, lamp: "on" | "off" | "good" | "bad", what: Html): Html {
  return html`<li class="step step-${lamp}"><h4>${name}</h4><div>${what}</div></li>`;
}

/** The cookie's value in a Set-Cookie line. */
export function valueOf(line: string): string {
  return line.slice(line.indexOf("=") + 1).split(";", 1)[0]!;
}
