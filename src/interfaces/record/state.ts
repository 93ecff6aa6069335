import { shareClass } from "../../copies.ts";
import { ConfigError } from "../../errors.ts";
import type { DecodedRecord } from "../../codecs/record-format.ts";
import type { Opened, SessionStateOptions } from "../../session/changes.ts";
import { SessionState } from "../../session/state.ts";
import type { Known } from "../../stores/parts/commit.ts";

/** A record of another program. */
export interface SharedRecord<Content> {
  readonly decoded: DecodedRecord;
  /** The stored bytes or text; `undefined` for a record that is yet to be written. */
  readonly content: Content | undefined;
}

/** The record a session was opened from. */
export interface RecordOrigin<Content> {
  readonly key: string;
  readonly known: Known<SharedRecord<Content>>;
}

/**
 * What the request's cookie referred to: there was no cookie (`nothing`), it held no key (`malformed`) or one
 * without a valid signature (`bad_signature`), the key has no record (`unknown`), the record cannot be decoded (`undecodable`), or the record of a
 * session (`live`).
 */
export type Presented = "nothing" | "malformed" | "bad_signature" | "unknown" | "undecodable" | "live";

/** Options of {@link RecordSessionState}. */
export interface RecordStateOptions<Content> extends SessionStateOptions {
  readonly origin?: RecordOrigin<Content> | undefined;
  readonly presented: Presented;
}

/** The state, during one request, of a session whose record another program also reads and writes. */
export class RecordSessionState<Content> extends SessionState {
  origin: RecordOrigin<Content> | undefined;
  presented: Presented;
  #isCleared = false;

  constructor(options: RecordStateOptions<Content>) {
    super({ ...options, isNew: options.origin === undefined });
    this.origin = options.origin;
    this.presented = options.presented;
  }

  /** Whether `clear()` was called. */
  get isCleared(): boolean {
    return this.#isCleared;
  }

  override clear(): void {
    super.clear();
    this.#isCleared = true;
  }

  override reset(opened: Opened, from?: SessionState): void {
    super.reset(opened);
    this.#isCleared = false;
    if (!(from instanceof RecordSessionState)) return;
    this.origin = from.origin as RecordOrigin<Content> | undefined;
    this.presented = from.presented;
  }

  override get owner(): null {
    return null;
  }

  override set owner(_: string | null) {
    throw new ConfigError(
      "A session that is shared with another program cannot have an owner here: the user's id is in the data of that program.",
    );
  }
}

shareClass("RecordSessionState", RecordSessionState);
