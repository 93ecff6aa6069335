import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { DecodedRecord, RecordFormat } from "../../codecs/record-format.ts";
import { SessionConflictError, SessionLostError, StoreError } from "../../errors.ts";
import { events } from "../events.ts";
import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import type { RecordStore } from "../../stores/record-store.ts";
import { applied } from "./changes.ts";
import type { RecordOrigin, RecordSessionState } from "./state.ts";

/** What a request wants of its record: what it did saved, a longer life, its end, or nothing. */
export type RecordWish = "write" | "touch" | "remove" | "nothing";

/** What became of it: it is under this key now, it is over, it was over before, or there never was one. */
export type RecordFate = { readonly key: string } | "removed" | "lost" | "none";

/** What a commit needs beside the session. */
export interface RecordCommit<Content> {
  readonly store: RecordStore<Content>;
  readonly format: RecordFormat<Content>;
  readonly json: TaggedJSONSerializer;
  readonly newKey: () => string;
  /** Seconds that a record with these fields lives. */
  readonly lifetimeOf: (fields: Fields) => number;
  /** Whether a record with these fields is none: it is removed instead of written. */
  readonly isEmpty: (fields: Fields) => boolean;
  readonly lostWrites: "drop" | "throw";
}

const ATTEMPTS = 100;
const LONGEST_WAIT = 20;
/** A random key is never taken, unless the random source is broken. */
const MAX_COLLISIONS = 3;

/**
 * Makes what a request did to its session durable. A change is made to the newest record, tried again when somebody else
 * was faster, so parallel requests lose no write on either side; a record that is gone is not brought back.
 *
 * @param isFailure the request failed: an end and a new identity take effect, data is left as it was
 * @throws StoreError, SessionConflictError, UnserializableError; SessionLostError where `lostWrites` is `"throw"`
 */
export async function commitRecord<Content>(
  state: RecordSessionState<Content>,
  wish: RecordWish,
  isFailure: boolean,
  commit: RecordCommit<Content>,
): Promise<RecordFate> {
  const { origin, fate } = state;
  const isOver = fate === "destroyed" || wish === "remove";
  if (origin !== undefined && isOver && (await commit.store.remove(origin.key)) === "ok") removed(origin.key);
  if (origin === undefined || isOver) {
    const isBegun = wish === "write" && !isFailure && !commit.isEmpty(state.fields());
    if (isBegun) return { key: await insert(state.fields(), commit) };
    return origin === undefined ? "none" : "removed";
  }
  if (wish === "write" || fate === "regenerated") return replace(state, origin, isFailure, commit);
  if (wish !== "touch") return { key: origin.key };
  const touched = await commit.store.touch(origin.key, commit.lifetimeOf(state.fields()));
  return touched === "ok" ? { key: origin.key } : lost(origin.key, commit.lostWrites);
}

async function insert<Content>(
  fields: Fields,
  { store, format, newKey, lifetimeOf }: RecordCommit<Content>,
): Promise<string> {
  const record = { content: format.encode(fields, undefined), lifetime: lifetimeOf(fields) };
  for (let attempt = 0; attempt < MAX_COLLISIONS; attempt++) {
    const key = newKey();
    if ((await store.insert(key, record)) === "taken") continue;
    events.created({ selector: labelOf(key), owner: null });
    return key;
  }
  throw allTaken();
}

async function replace<Content>(
  state: RecordSessionState<Content>,
  origin: RecordOrigin<Content>,
  isFailure: boolean,
  { store, format, json, newKey, lifetimeOf, isEmpty, lostWrites }: RecordCommit<Content>,
): Promise<RecordFate> {
  const changes = isFailure ? undefined : state.changes();
  const opened = origin.decoded.fields;
  let { content, decoded }: { content: Content; decoded: DecodedRecord & { ok: true } } = origin;
  let key = state.fate === "regenerated" ? newKey() : origin.key;
  for (let tried = 0; tried < ATTEMPTS; tried++) {
    const fields = changes ? applied(decoded.fields, changes, opened, json) : decoded.fields;
    const isOver = isEmpty(fields);
    const answer = isOver
      ? await store.discard(origin.key, content)
      : await store.replace(origin.key, content, {
          key,
          content: format.encode(fields, decoded),
          lifetime: lifetimeOf(fields),
        });
    if (answer.status === "ok") {
      if (isOver) return removed(origin.key);
      if (key !== origin.key) events.rotated({ selector: labelOf(key), owner: null });
      return { key };
    }
    if (answer.status === "gone") return lost(origin.key, lostWrites);
    if (answer.status !== "conflict") {
      if (tried >= MAX_COLLISIONS) throw allTaken();
      key = newKey();
      continue;
    }
    const newer = format.decode(answer.content);
    if (!newer.ok) return lost(origin.key, lostWrites);
    ({ content, decoded } = { content: answer.content, decoded: newer });
    // The first retry goes out at once; then random waits spread the crowd.
    if (tried > 0) await sleep(Math.random() * Math.min(LONGEST_WAIT, 2 ** tried));
  }
  throw new SessionConflictError(ATTEMPTS);
}

/** What events call a record: its key is all that a thief would need, and events are logged. */
export function labelOf(key: string): string {
  return hash("sha256", key, "base64url").slice(0, 16);
}

function removed(key: string): "removed" {
  events.destroyed({ selector: labelOf(key), owner: null });
  return "removed";
}

function lost(key: string, lostWrites: "drop" | "throw"): "lost" {
  events.lost({ selector: labelOf(key), owner: null, reason: "gone" });
  if (lostWrites === "throw") throw new SessionLostError();
  return "lost";
}

function allTaken(): StoreError {
  return new StoreError(
    "unavailable",
    "The store finds every new key taken; its random source must be broken.",
  );
}
