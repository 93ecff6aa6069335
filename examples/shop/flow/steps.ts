import type { RefusalReason } from "hipflask";
import { html, raw } from "hono/html";
import type { Html } from "../html.ts";
import { anatomy, cookieText, pretty } from "./anatomy.ts";
import { sizeBar } from "./size-bar.ts";
import type { FlowRecord, Operation } from "./flow-record.ts";

const REASONS: Record<RefusalReason, string> = {
  bad_signature: "the signature does not match the data",
  bad_timestamp: "its timestamp cannot be decoded",
  expired: "it has expired",
  future: "its timestamp is in the future",
  bad_payload: "its data cannot be decoded",
  bad_shape: "its data is not an object",
  too_long: "it is too long",
  unknown_key: "it names an unknown key",
  schema: "its data does not match the schema",
  malformed: "it is not one of our tokens",
  unknown: "there is no such session, or it has ended",
  undecodable: "its record cannot be decoded",
  pickle: "its record is a Python pickle, which is never loaded",
  ambiguous: "the request has the cookies of two sessions",
};

const OUTCOMES: Record<FlowRecord["outcome"], string> = {
  nothing: "Not modified: no cookie is sent.",
  write: "Modified: the session is signed again.",
  refresh: "Not modified, but permanent: signed again with a later expiry.",
  delete: "Empty: the browser is told to delete the cookie.",
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
  if (cookieIn === undefined) return step("Cookie in", "off", html`The browser sent no cookie.`);
  return step("Cookie in", "on", cookieIn === "" ? html`An empty cookie.` : inspected(cookieIn));
}

function opened({ verdict, operations }: FlowRecord): Html {
  const name = "openSession";
  switch (verdict.kind) {
    case "unread":
      return step(name, "off", html`The session was not accessed, so its cookie was not even verified.`);
    case "empty":
      return step(name, "off", html`No cookie, so an empty session.`);
    case "accepted": {
      const keys = verdict.keys === 1 ? "1 key" : `${verdict.keys} keys`;
      const proof = operations.length > 0 ? "The store has its record" : "The signature matches";
      return step(
        name,
        "good",
        html`<strong>Accepted.</strong> ${proof}; ${keys} inside.${asked("open", operations)}`,
      );
    }
    case "refused":
      return step(
        name,
        "bad",
        html`<strong>Refused:</strong> ${REASONS[verdict.reason]}. The session starts empty. <code>${verdict.reason}</code>`,
      );
  }
}

function viewed({ read, changes, operations }: FlowRecord): Html {
  const isUntouched = read.size + changes.length === 0;
  if (isUntouched && operations.every((operation) => stepOf(operation) !== "view"))
    return step("The view", "off", html`Did not access the session.`);
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
      html`Saved in the store before this response.${asked("save", sent)}${record}`,
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
    return step("Set-Cookie out", "off", html`Not sent: the browser keeps its cookie.`);
  }
  const value = valueOf(setCookie);
  const attributes = setCookie.slice("session=".length + value.length).replace(/^[; ]+/, "");
  return step(
    "Set-Cookie out",
    "on",
    html`${value === "" ? raw("") : inspected(value)}<code class="line">${attributes}</code>${sizeBar(setCookie.length)}`,
  );
}

function inspected(value: string): Html {
  return html`<details class="apart"><summary>${cookieText(value)}</summary>${anatomy(value)}</details>`;
}

function step(name: string, lamp: "on" | "off" | "good" | "bad", what: Html): Html {
  return html`<li class="step step-${lamp}"><h4>${name}</h4><div>${what}</div></li>`;
}

/** The cookie's value in a Set-Cookie line. */
export function valueOf(line: string): string {
  return line.slice(line.indexOf("=") + 1).split(";", 1)[0]!;
}
