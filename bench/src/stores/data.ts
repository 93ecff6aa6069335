import { TaggedJSONSerializer, type Fields } from "../../../dist/index.js";
import { newToken } from "../../../dist/stores/token.js";
import type { NewSession } from "../../../dist/stores/store.js";
import { payload, type Size } from "../workloads.ts";

/** Bytes of JSON in a stored session: a login with a few settings, and a cart with everything in it. */
export const STORED_SIZES = [300, 3000] as const;
export type StoredSize = (typeof STORED_SIZES)[number];

export const storedSizeName = (size: StoredSize): string => (size < 1000 ? `${size} B` : `${size / 1000} KB`);

/** A day: as long as connect-redis keeps a session by default. */
export const IDLE = 24 * 60 * 60;

const json = new TaggedJSONSerializer();

export function dataOf(size: StoredSize): Record<string, unknown> {
  return { ...payload(size as number as Size) };
}

export function fieldsOf(size: StoredSize): Fields {
  return json.loadsFields(json.dumps(dataOf(size)));
}

export function newSession(fields: Fields, idle = IDLE): NewSession {
  const { selector, verifierHash } = newToken();
  return { selector, verifierHash, fields, expiry: { idle } };
}
