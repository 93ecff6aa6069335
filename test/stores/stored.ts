import { TaggedJSONSerializer } from "../../src/json/tagged-json.ts";
import { decodeRecord, type SessionRecord } from "../../src/stores/parts/record.ts";
import { SessionRecords } from "../../src/stores/parts/session-records.ts";
import type { Store } from "../../src/stores/parts/store.ts";

const json = new TaggedJSONSerializer({ sortKeys: false });

/** The session as it is stored; `undefined` if there is none, or none that can be read. */
export async function storedSession(store: Store, selector: string): Promise<SessionRecord | undefined> {
  const stored = await store.read(selector);
  return stored && decodeRecord(selector, stored.text, json);
}

/** The public and the secret half of a visitor's token. */
export function tokenIn(cookie: string): [selector: string, verifier: string] {
  const [selector = "", verifier = ""] = cookie.slice(cookie.indexOf("=") + 1).split(".");
  return [selector, verifier];
}

/** The sessions in a store, as tools see them. */
export function recordsIn(store: Store): SessionRecords {
  return new SessionRecords(store, { json, longest: 3600, seconds: 30 });
}
