import { hash } from "node:crypto";
import type { DecodedRecord, RecordFormat } from "../../codecs/record-format.ts";
import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import { backOff, underFreshKey } from "../../stores/parts/store-calls.ts";
import type { CommitFormat, CommitLoop, Draft, Known, Step } from "../../stores/parts/commit.ts";
import { applyFieldChanges } from "../../stores/parts/record.ts";
import { events, lost } from "../events.ts";
import { withMessagesMerged } from "../messages.ts";
import type { RecordOrigin, RecordSessionState, SharedRecord } from "./state.ts";

/** What a save does with the record. `touch` extends its lifetime. */
export type RecordAction = "write" | "touch" | "remove" | "nothing";

/**
 * The key of the record now; or it was removed by this commit (`removed`), was removed before (`lost`), or never
 * existed (`none`).
 */
export type RecordResult = { readonly key: string } | "removed" | "lost" | "none";

/** The dependencies of {@link commitRecord}. */
export interface RecordCommit<Content> {
  readonly loop: CommitLoop<Content, SharedRecord<Content>>;
  readonly json: TaggedJSONSerializer;
  readonly newKey: () => string;
  /** Seconds until a record with these fields expires. */
  readonly lifetimeOf: (fields: Fields) => number;
  /** Whether the record is removed instead of written when these are its fields. */
  readonly isRemovedWith: (fields: Fields) => boolean;
  readonly lostWrites: "drop" | "throw";
}

/** Lets the commit loop read and write records in another program's format. */
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
 * Stores what a request did to its session, in the same commit loop as our own records: changes are applied to the
 * newest version of the record, so parallel requests of either program lose no write, and a removed record is not
 * created again.
 *
 * @param isFailure the request failed: ending the session and replacing its key take effect, changes of its data are dropped
 * @throws StoreError, SessionConflictError, UnserializableError; SessionLostError if `lostWrites` is `"throw"`
 */
export async function commitRecord<Content>(
  state: RecordSessionState<Content>,
  action: RecordAction,
  isFailure: boolean,
  commit: RecordCommit<Content>,
): Promise<RecordResult> {
  const { origin, identity } = state;
  const isOver = identity === "destroyed" || action === "remove";
  if (origin !== undefined && isOver && (await commit.loop.remove(origin.key))) reportRemoved(origin.key);
  if (origin === undefined || isOver) {
    const isCreated = action === "write" && !isFailure && !commit.isRemovedWith(state.fields());
    if (isCreated) return { key: await create(state.fields(), commit) };
    return origin === undefined ? "none" : "removed";
  }
  if (action === "write" || identity === "regenerated") {
    const change = changeOf(state, origin, isFailure, commit);
    return identity === "regenerated" ? regenerate(origin, change, commit) : write(origin, change, commit);
  }
  return action === "touch" ? touch(state, origin, commit) : { key: origin.key };
}

async function create<Content>(fields: Fields, commit: RecordCommit<Content>): Promise<string> {
  const { key } = await insert(draftOf<Content>(fields, commit), commit);
  events.created({ selector: labelOf(key), owner: null });
  return key;
}

/** Extends the record's lifetime, unless another request has written the record: that extended it already. */
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
  return done.status === "ok" ? { key } : reportLost(key, lostWrites);
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
  if (result === "removed") reportRemoved(key);
  return result === "lost" ? reportLost(key, commit.lostWrites) : result;
}

/**
 * Replaces the key: copies the record to a new key, then removes the old record if it has not changed since. If it has,
 * removes the copy and copies again. The new key is sent to the browser only after the old record was removed.
 */
async function regenerate<Content>(
  { key, known }: RecordOrigin<Content>,
  change: Change,
  commit: RecordCommit<Content>,
): Promise<RecordResult> {
  const { loop, isRemovedWith, lostWrites } = commit;
  let source = known;
  for (let conflicts = 0; ; await backOff(++conflicts)) {
    const { decoded } = source.entry;
    if (!decoded.ok) return reportLost(key, lostWrites);
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
        reportRemoved(key);
        return "removed";
      }
      events.rotated({ selector: labelOf(copy), owner: null });
      return { key: copy };
    }
    if (copy !== undefined) await loop.remove(copy);
    if (done.status !== "ok") return reportLost(key, lostWrites);
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
  return { apply: (stored) => applyFieldChanges(stored, all), isComputed: (all.transactions?.size ?? 0) > 0 };
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

/** Identifies a record in events. A hash, because events are logged and the key gives access to the session. */
export function labelOf(key: string): string {
  return hash("sha256", key, "base64url").slice(0, 16);
}

function reportRemoved(key: string): void {
  events.destroyed({ selector: labelOf(key), owner: null });
}

function reportLost(key: string, lostWrites: "drop" | "throw"): "lost" {
  lost({ selector: labelOf(key), owner: null, reason: "gone" }, lostWrites === "throw");
  return "lost";
}
