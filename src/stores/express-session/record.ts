import { randomBytes } from "node:crypto";
import { StoreError } from "../../errors.ts";
import type { LocalTables } from "../local-store.ts";
import { pack, unpack } from "../packed.ts";
import type { SessionRecord } from "../verbs.ts";

/** A session of ours as a store of express-session keeps it: its cookie tells the store how long, the rest is ours. */
export interface ExpressRecord {
  readonly cookie: {
    readonly originalMaxAge: number;
    readonly maxAge: number;
    readonly expires: Date;
    readonly httpOnly: true;
    readonly path: "/";
  };
  readonly hipflask: {
    /** Another one with each write. */
    readonly version: string;
    readonly record: string;
  };
}

/** What a store gave for a session, which may be anything. */
export interface Loaded {
  /** The packed record; `undefined` where there is nothing. */
  readonly text: string | undefined;
  /** Null where there is nothing, or nothing of ours. */
  readonly version: string | null;
}

export const NOTHING: Loaded = { text: undefined, version: null };
/** There is something, and nobody can read it. */
export const UNREADABLE: Loaded = { text: "", version: null };

export function loadedOf(session: unknown): Loaded {
  if (session === null || session === undefined) return NOTHING;
  const { version, record } =
    (session as { hipflask?: { version?: unknown; record?: unknown } }).hipflask ?? {};
  return typeof version === "string" && typeof record === "string" ? { text: record, version } : UNREADABLE;
}

/** The one record a verb is about, as the tables that all stores in this process are built on. */
export class OneRecord implements LocalTables {
  readonly #selector: string;
  readonly #loaded: Loaded;
  readonly #now: number;
  /** What the store has to keep now, null for nothing; `undefined` while nothing has changed. */
  next: ExpressRecord | null | undefined;

  constructor(selector: string, loaded: Loaded, now: number) {
    this.#selector = selector;
    this.#loaded = loaded;
    this.#now = now;
  }

  get() {
    const { text } = this.#loaded;
    if (text === undefined) return undefined;
    return { text, expiresAt: unpack(this.#selector, text)?.expiresAt ?? Infinity };
  }

  save(record: SessionRecord): void {
    const left = record.expiresAt - this.#now;
    this.next = {
      cookie: {
        originalMaxAge: left,
        maxAge: left,
        expires: new Date(record.expiresAt),
        httpOnly: true,
        path: "/",
      },
      hipflask: { version: randomBytes(9).toString("base64url"), record: pack(record) },
    };
  }

  remove(): void {
    if (this.#loaded.text !== undefined) this.next = null;
  }

  sessionsOf(): never {
    throw unsupported();
  }

  markOf(): undefined {
    return undefined;
  }

  mark(): never {
    throw unsupported();
  }

  removeExpired(): number {
    return 0;
  }

  forgetMarks(): void {}
}

export function unsupported(): StoreError {
  return new StoreError(
    "unsupported",
    "A store of express-session cannot find sessions by their owner; use one of our own for that.",
  );
}
