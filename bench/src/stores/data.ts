import { randomBytes } from "node:crypto";
import { payload, type Size } from "../workloads.ts";
import { IN_FLIGHT } from "./in-flight.ts";

/** Bytes of JSON in a stored session: a login with a few settings, and a cart with everything in it. */
export const STORED_SIZES = [300, 3000] as const;
export type StoredSize = (typeof STORED_SIZES)[number];

export const storedSizeName = (size: StoredSize): string => (size < 1000 ? `${size} B` : `${size / 1000} KB`);

/** A day: as long as connect-redis keeps a session by default. */
export const IDLE = 24 * 60 * 60;

export function dataOf(size: StoredSize): Record<string, unknown> {
  return { ...payload(size as number as Size) };
}

/** A record of that many bytes, as a store sees it. */
export function textOf(size: StoredSize): string {
  return JSON.stringify(dataOf(size));
}

/** Names for as many records as there are calls in flight. */
export function keysOf(size: StoredSize): string[] {
  return Array.from({ length: IN_FLIGHT }, (_, at) => `s${size}-${at}`);
}

/** Hard to hit by chance, as ids are that are drawn for each process. */
const PROCESS = randomBytes(6).toString("base64url");
let commits = 0;

/** A fresh commit id, at no cost: making one is not the store's work. */
export function newCommit(): string {
  return PROCESS + (commits++).toString(36).padStart(8, "0");
}
