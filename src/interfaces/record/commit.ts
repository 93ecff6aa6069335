import { hash } from "node:crypto";
import type { DecodedRecord, RecordFormat } from "../../codecs/record-format.ts";
import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import { backOff, underFreshKey } from "../../stores/parts/attempts.ts";
import type { CommitFormat, CommitLoop, Draft, Known, Step } from "../../stores/parts/commit.ts";
import { changedFields } from "../../stores/parts/record.ts";
import { events, lost } from "../events.ts";
import { withMessagesMerged } from "../messages.ts";
import type { RecordOrigin, RecordSessionState, SharedRecord } from "./state.ts";

/** What a save does to the record: write the changes, extend its lifetime, remove it, or nothing. */
export type RecordAction = "write" | "touch" | "remove" | "nothing";

/** The outcome: the key the record is under now; or it was removed now, had been removed before, or never existed. */
export type RecordResult = { readonly key: string } | "removed" | "lost" | "none";

/** What a commit needs beside the session. */
export interface RecordCommit<Content> {
  readonly loop: CommitLoop<Content, SharedRecord<Content>>;
  readonly json: TaggedJSONSerializer;
  readonly newKey: () => string;
  /** Seconds that a record with these fields lives. */
  readonly lifetimeOf: (fields: Fields) => number;
  /** Whether a record that would hold these fields is removed instead of written. */
  readonly isRemovedWith: (fields: Fields) => boolean;
  readonly lostWrites: "drop" | "throw";
}

/** The records of another program in the commit loop. */
export function sharedFormat<Content>(
  format: RecordFormat<Content>,
): CommitFormat<Content, SharedRecord<Content>> {
  return {
    decode: (_, content) => ({ content, decoded: format.decode(content) }),
    encode({ content, decoded }, before) {
      if (content !== undefined) return content;
      return format.encode(fieldsOf(decoded), before?.decoded.ok ? before.decoded : undefined);
    },
  };
}

/**
 * Makes what a request did to its session durable, by the same loop as for records of our own: a change is made to the newest
 * record, so parallel requests lose no write on either side, and a record that is gone is not brought back.
 *
 * @param isFailure the request failed: an end and a new identity take effect, data is left as it was
 * @throws StoreError, SessionConflictError, UnserializableError; SessionLostError where `lostWrites` is `"throw"`
 */
export async function commitRecord<Content>(
  state: RecordSessionState<Content>,
  action: RecordAction,
  isFailure: boolean,
  commit: RecordCommit<Content>,
): Promise<RecordResult> {
  const { origin, identity } = state;
  const isOver = identity === "destroyed" || action === "remove";
  if (origin !== undefined && isOver && (await commit.loop.remove(origin.key))) removed(origin.key);
  if (origin === undefined || isOver) {
    const isBegun = action === "write" && !isFailure && !commit.isRemovedWith(state.fields());
    if (isBegun) return { key: await begin(state.fields(), commit) };
    return origin === undefined ? "none" : "removed";
  }
  if (action === "write" || identity === "regenerated") {
    const change = changeOf(state, origin, isFailure, commit);
    return identity === "regenerated" ? move(origin, change, commit) : write(origin, change, commit);
  }
  return action === "touch" ? touch(state, origin, commit) : { key: origin.key };
}

async function begin<Content>(fields: Fields, commit: RecordCommit<Content>): Promise<string> {
  const { key } = await insert(draftOf<Content>(fields, commit), commit);
  events.created({ selector: labelOf(key), owner: null });
  return key;
}

/** A record that was written meanwhile has a new lifetime already. */
async function touch<Content>(
  state: RecordSessionState<Content>,
  { key, known }: RecordOrigin<Content>,
  { loop, lifetimeOf, lostWrites }: RecordCommit<Content>,
): Promise<RecordResult> {
  const lifetime = lifetimeOf(state.fields());
  const done = await loop.change(key, known, (current): Step<SharedRecord<Content>, undefined> => {
    if (current.commit !== known.commit) return { action: "leave", result: undefined };
    return { action: "write", result: undefined, entry: current.entry, lifetime };
  });
  return done.status === "ok" ? { key } : lostRecord(key, lostWrites);
}

async function write<Content>(
  { key, known }: RecordOrigin<Content>,
  change: Change,
  commit: RecordCommit<Content>,
): Promise<RecordResult> {
  const done = await commit.loop.change(
    key,
    known,
    ({ entry }): Step<SharedRecord<Content>, RecordResult> => {
      const fields = entry.decoded.ok ? change.apply(entry.decoded.fields) : undefined;
      if (fields === undefined) return { action: "leave", result: "lost" };
      if (commit.isRemovedWith(fields)) return { action: "remove", result: "removed" };
      const draft = draftOf<Content>(fields, commit);
      return { action: "write", result: { key }, ...draft, isComputed: change.isComputed };
    },
  );
  const result = done.status === "ok" ? done.result : "lost";
  if (result === "removed") removed(key);
  return result === "lost" ? lostRecord(key, commit.lostWrites) : result;
}

/**
 * A new identity: the record is written under a new key, and then the old one is removed if it is still what was copied; if
 * not, the copy goes and another one is made. The new key is not known to any browser before the old one has ended.
 */
async function move<Content>(
  { key, known }: RecordOrigin<Content>,
  change: Change,
  commit: RecordCommit<Content>,
): Promise<RecordResult> {
  const { loop, isRemovedWith, lostWrites } = commit;
  let source = known;
  for (let conflicts = 0; ; await backOff(++conflicts)) {
    const { decoded } = source.entry;
    if (!decoded.ok) return lostRecord(key, lostWrites);
    const fields = change.apply(decoded.fields);
    const draft = { ...draftOf<Content>(fields, commit), before: source.entry };
    const copy = isRemovedWith(fields) ? undefined : (await insert(draft, commit)).key;
    const { commit: copied } = source;
    const done = await loop.change(key, source, (current): Step<SharedRecord<Content>, typeof source> => ({
      action: current.commit === copied ? "remove" : "leave",
      result: current,
    }));
    if (done.status === "ok" && done.known === undefined) {
      if (copy === undefined) {
        removed(key);
        return "removed";
      }
      events.rotated({ selector: labelOf(copy), owner: null });
      return { key: copy };
    }
    if (copy !== undefined) await loop.remove(copy);
    if (done.status !== "ok") return lostRecord(key, lostWrites);
    source = done.result;
  }
}

interface Change {
  readonly apply: (stored: Fields) => Fields;
  readonly isComputed: boolean;
}

function changeOf<Content>(
  state: RecordSessionState<Content>,
  { known }: RecordOrigin<Content>,
  isFailure: boolean,
  { json }: RecordCommit<Content>,
): Change {
  if (isFailure) return { apply: (stored) => stored, isComputed: false };
  const changes = state.changes();
  const all = withMessagesMerged(changes, fieldsOf(known.entry.decoded), json);
  return { apply: (stored) => changedFields(stored, all), isComputed: (all.transactions?.size ?? 0) > 0 };
}

function draftOf<Content>(
  fields: Fields,
  { lifetimeOf }: Pick<RecordCommit<Content>, "lifetimeOf">,
): Draft<SharedRecord<Content>> {
  return { entry: { content: undefined, decoded: { ok: true, fields } }, lifetime: lifetimeOf(fields) };
}

function insert<Content>(
  draft: Draft<SharedRecord<Content>>,
  { loop, newKey }: RecordCommit<Content>,
): Promise<{ key: string; known: Known<SharedRecord<Content>> }> {
  return underFreshKey(async () => {
    const key = newKey();
    const known = await loop.insert(key, () => draft);
    return known === "taken" ? known : { key, known };
  });
}

function fieldsOf(decoded: DecodedRecord): Fields {
  return decoded.ok ? decoded.fields : new Map();
}

/** What events call a record: its key is all that a thief would need, and events are logged. */
export function labelOf(key: string): string {
  return hash("sha256", key, "base64url").slice(0, 16);
}

function removed(key: string): void {
  events.destroyed({ selector: labelOf(key), owner: null });
}

function lostRecord(key: string, lostWrites: "drop" | "throw"): "lost" {
  lost({ selector: labelOf(key), owner: null, reason: "gone" }, lostWrites === "throw");
  return "lost";
}
