import { shareClass } from "../../copies.ts";
import { ConfigError } from "../../errors.ts";
import type { DecodedRecord } from "../../codecs/record-format.ts";
import type { Opened, SessionStateOptions } from "../../session/changes.ts";
import { SessionState } from "../../session/state.ts";
import type { Known } from "../../stores/parts/commit.ts";

/** A record of another program. */
export interface SharedRecord<Content> {
  readonly decoded: DecodedRecord;
  /** As it is stored; `undefined` for one that is to be written. */
  readonly content: Content | undefined;
}

/** The record a session was opened from. */
export interface RecordOrigin<Content> {
  readonly key: string;
  readonly known: Known<SharedRecord<Content>>;
}

/**
 * What a request showed for a session: no cookie, one that is not a key, a key that is unknown (or no longer known), a record that
 * cannot be read, or a live one.
 */
export type Presented = "nothing" | "malformed" | "unknown" | "undecodable" | "live";

/** How a session in a shared record comes to life. */
export interface RecordStateOptions<Content> extends SessionStateOptions {
  readonly origin?: RecordOrigin<Content> | undefined;
  readonly presented: Presented;
}

/** A session whose record another program reads and writes too, during one request. */
export class RecordSessionState<Content> extends SessionState {
  origin: RecordOrigin<Content> | undefined;
  presented: Presented;
  #isCleared = false;

  constructor(options: RecordStateOptions<Content>) {
    super({ ...options, isNew: options.origin === undefined });
    this.origin = options.origin;
    this.presented = options.presented;
  }

  /** Everything was dropped in one go. */
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
      "A session that is shared with another program has no owner here; that program knows who it is.",
    );
  }
}

shareClass("RecordSessionState", RecordSessionState);
