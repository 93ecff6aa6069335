import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import type { SessionChanges } from "../../session/changes.ts";

const FLASHES = "_flashes";

/**
 * What a request did to its session, done to the fields that are stored by now: keys it did not touch are as whoever
 * wrote them last left them.
 *
 * @param opened the fields the request began with
 */
export function applied(
  stored: Fields,
  { set, unset, keep, transactions }: SessionChanges,
  opened: Fields,
  json: TaggedJSONSerializer,
): Fields {
  const fields = new Map(keep === undefined ? stored : [...stored].filter(([key]) => keep.includes(key)));
  const before = fields.get(FLASHES);
  for (const key of unset) fields.delete(key);
  for (const [key, text] of set) fields.set(key, text);
  for (const [key, next] of transactions) {
    const text = next(fields.get(key) ?? null);
    if (text === null) fields.delete(key);
    else fields.set(key, text);
  }
  const isMerge = before !== opened.get(FLASHES) && (set.has(FLASHES) || unset.includes(FLASHES));
  if (isMerge) mergeMessages(fields, opened.get(FLASHES), set.get(FLASHES), before, json);
  return fields;
}

/** Messages that others left since are kept, and those that this request took do not come back. */
function mergeMessages(
  fields: Map<string, string>,
  opened: string | undefined,
  own: string | undefined,
  stored: string | undefined,
  json: TaggedJSONSerializer,
): void {
  const read = (text: string | undefined): unknown[] => {
    const value = text === undefined ? [] : json.loads(text);
    return Array.isArray(value) ? value : [];
  };
  const texts = (text: string | undefined) => read(text).map((message) => json.dumps(message));
  const [seen, mine, theirs] = [texts(opened), texts(own), texts(stored)];
  const isPrefix = (list: readonly string[]) => seen.every((message, at) => list[at] === message);
  const added = isPrefix(mine) ? mine.slice(seen.length) : mine;
  const isTaken = mine.length < seen.length || !isPrefix(mine);
  const rest = isTaken && isPrefix(theirs) ? theirs.slice(seen.length) : theirs;
  if (rest.length + added.length === 0) fields.delete(FLASHES);
  else fields.set(FLASHES, `[${[...rest, ...added].join()}]`);
}
