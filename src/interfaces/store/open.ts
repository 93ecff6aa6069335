import type { KeyObject } from "node:crypto";
import type { RefusalReason } from "../../codecs/codec.ts";
import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import {
  changeStep,
  type FieldChanges,
  type KnownSession,
  type SessionRecord,
} from "../../stores/parts/record.ts";
import type { SessionRecords } from "../../stores/parts/session-records.ts";
import { checkVerifier, type VerifierCheck, type Token } from "../../stores/parts/token.ts";
import type { CookieConfig } from "../cookie-interface.ts";
import { events } from "../events.ts";
import { FLASHES } from "../../session/flash.ts";
import { prependingMessages, takingField, withMessages } from "../messages.ts";
import type { SessionRequest } from "../session-interface.ts";

/** Configuration of sessions in a store, beside that of the cookie. Durations are in seconds. */
export interface StoreConfig extends CookieConfig {
  readonly records: SessionRecords;
  readonly json: TaggedJSONSerializer;
  readonly trackNested: boolean;
  /** Read the record when `loadSession()` is called, not at the start of the request. */
  readonly lazy: boolean;
  /** A session expires after this long without a request. */
  readonly idleTimeout: number;
  /** The same for sessions that have no owner and are not permanent. */
  readonly anonymousTimeout: number;
  /** A session expires this long after it was created, or after its owner's last login; null: no limit. */
  readonly absoluteTimeout: number | null;
  /** The time of the last activity is written at most this often. */
  readonly touchEvery: number;
  /** The token is rotated this long after its last rotation; 0: only at login. */
  readonly rotateAfter: number;
  /** A token stays valid for this long after it was replaced by a periodic rotation. */
  readonly rotationGrace: number;
  /** Derives the successor of a token in a periodic rotation; null without a secret key. */
  readonly rotationKey: KeyObject | null;
  /** Expired records are removed this often; 0: never. */
  readonly sweepEvery: number;
  /** Describes the device of a request, for the list of an owner's sessions. */
  readonly device: ((request: SessionRequest) => unknown) | undefined;
  /** The keys that an anonymous session keeps at login; true: all. */
  readonly keepAtLogin: readonly string[] | true;
  readonly lostWrites: "drop" | "throw";
  readonly saveOnError: boolean;
  /** Whether sessions can have owners: the store can change a record atomically. */
  readonly ownable: boolean;
  readonly reusedTokens: "refuse" | "destroy";
}

/** The record of a session, as it was opened or last stored in this request. */
export interface Origin {
  /** The newest version of the record that this request has read or written. */
  readonly known: KnownSession;
  /** The current token: the one in the cookie, its successor if the client missed a rotation, or a new one. */
  readonly token: Token;
  /** The cookie must be sent: the client does not have the current token. */
  readonly needsCookie: boolean;
  /** Flashed messages that were removed from the record for this request, as JSON text. */
  readonly messages: string | undefined;
  /** The request is read-only: its flashed messages were read and not removed from the record. */
  readonly isReadOnly: boolean;
}

/** The result of looking up a request's tokens. */
export interface OpenResult {
  readonly origin?: Origin | undefined;
  /**
   * The cookies named two or more live sessions, so none is opened. A request that logs in, logs out or writes ends them
   * all and starts a new one.
   */
  readonly ambiguous?: readonly Origin[];
  /** Several cookies have a token that is or was valid, so the browser stores the cookie under different domains or paths. */
  readonly hasDuplicates?: boolean;
}

/** Limit on the rotations since a socket last read its session; after more, it must connect again. */
const MAX_ROTATIONS = 10_000;

/** A token of a request, its record, and the result of checking its verifier. */
interface Presented {
  readonly known: KnownSession;
  readonly token: Token;
  readonly check: VerifierCheck;
}

/** Reads the record of a token, and reads it again later in the request. */
export class StoreReader {
  readonly #config: StoreConfig;
  readonly #refused: (reason: RefusalReason) => void;

  constructor(config: StoreConfig, refused: (reason: RefusalReason) => void) {
    this.#config = config;
    this.#refused = refused;
  }

  /** Reads and verifies the session of a request, and removes its flashed messages from the record. */
  async open(tokens: readonly Token[], { readOnly, isHandshake }: SessionRequest): Promise<OpenResult> {
    const { records, rotationKey } = this.#config;
    const presented: Presented[] = [];
    for (const token of tokens) {
      const known = await records.loop.read(token.selector);
      if (typeof known === "string") this.#refused(known === "gone" ? "unknown" : "undecodable");
      else presented.push({ known, token, check: checkVerifier(known.entry, token, known.now, rotationKey) });
    }
    const origins: Origin[] = [];
    for (const one of presented) {
      // A browser that stores the cookie under two paths or domains sends an old token beside the new one, which is not theft.
      if (presented.some((other) => isSuccessor(other, one))) continue;
      const verified = this.#verify(one);
      if (verified === "reused") await this.#endReused(one.known, one.token);
      else if (verified !== undefined) origins.push(verified);
    }
    const hasDuplicates = presented.filter(({ check }) => check.status !== "unknown").length > 1;
    const [origin, ...others] = origins;
    // A partitioned and an unpartitioned cookie may name the same session; two sessions are ambiguous.
    const isAmbiguous = others.some(({ token }) => token.selector !== origin?.token.selector);
    if (isAmbiguous) {
      this.#refused("ambiguous");
      return { hasDuplicates, ambiguous: origins };
    }
    if (origin === undefined) return { hasDuplicates };
    if (isHandshake) return { hasDuplicates, origin };
    if (readOnly) {
      const touched = await this.#touch(origin);
      return { hasDuplicates, origin: touched && { ...touched, isReadOnly: true } };
    }
    const hasMessages = origin.known.entry.fields.has(FLASHES);
    return { hasDuplicates, origin: hasMessages ? await this.#takeMessages(origin) : origin };
  }

  /**
   * Reads the record again.
   *
   * @returns `undefined` if the session has ended, or has a new token other than by periodic rotations
   */
  async reopen(origin: Origin, isHandshake: boolean): Promise<Origin | undefined> {
    const { records, schemaMismatch, rotateAfter } = this.#config;
    const known = await records.loop.read(origin.token.selector);
    if (typeof known === "string") return undefined;
    const { entry, now } = known;
    const elapsed = secondsSince(origin.known.now, now);
    const most = rotateAfter > 0 ? Math.min(MAX_ROTATIONS, elapsed / rotateAfter + 1) : 0;
    const token = tokenNow(entry, origin.token, now, this.#config, most);
    if (token === undefined || schemaMismatch?.(entry.fields) !== undefined) return undefined;
    const needsCookie = origin.needsCookie || token !== origin.token;
    const updated: Origin = { ...origin, known, token, needsCookie };
    // A socket has no response, so no save would record this activity.
    return isHandshake ? this.#touch(updated) : updated;
  }

  /**
   * Removes a key from the record.
   *
   * @returns its value, which only one of several parallel callers gets, and the changed record
   */
  async take(origin: Origin, key: string): Promise<{ readonly value: unknown; readonly origin: Origin }> {
    const taken = await this.#takeText(origin, key);
    return {
      value: taken.text === null ? undefined : this.#config.json.loads(taken.text),
      origin: taken.origin,
    };
  }

  /**
   * Puts the flashed messages back into the record after a save that failed. If the session has been logged in meanwhile,
   * only if `keepAtLogin` keeps them. Errors are ignored, so that the caller gets the error of the save.
   */
  async restoreMessages({ known, messages }: Origin): Promise<void> {
    const { records, json, keepAtLogin } = this.#config;
    const changes = prependingMessages(messages, json);
    if (changes.transactions === undefined && changes.set === undefined) return;
    const { owner, selector } = known.entry;
    const isFollowed = owner === null && (keepAtLogin === true || keepAtLogin.includes(FLASHES));
    const giving = records.loop.change(selector, known, (current) => {
      const { entry, now } = current;
      if (entry.owner !== owner && !isFollowed) return { action: "leave", result: undefined };
      // The expiry stays the same, since this is not an activity of the user.
      const idle = -secondsSince(entry.expiresAt, now);
      return changeStep(undefined, current, { ...changes, expiry: { idle } });
    });
    await giving.catch(() => {});
  }

  /** Handles the result of the verifier check. "reused": the token was replaced by a rotation, and the session must end. */
  #verify({ known, token, check }: Presented): Origin | "reused" | undefined {
    const { reusedTokens, schemaMismatch } = this.#config;
    const { entry } = known;
    if (check.status === "unknown") {
      this.#refused("unknown");
      return undefined;
    }
    if (check.status === "replaced") {
      events.reused({ selector: entry.selector, owner: entry.owner });
      // Only a token of the same login ends the session: an attacker who set the cookie before the login must not be able to end it.
      const isRotated = check.rotations !== undefined;
      return reusedTokens === "destroy" && isRotated ? "reused" : undefined;
    }
    if (schemaMismatch?.(entry.fields) !== undefined) {
      this.#refused("schema");
      return undefined;
    }
    const needsCookie = check.token !== token;
    return { known, token: check.token, needsCookie, messages: undefined, isReadOnly: false };
  }

  async #endReused(known: KnownSession, token: Token): Promise<void> {
    const { records, rotationKey } = this.#config;
    const isStill = ({ entry, now }: KnownSession) =>
      checkVerifier(entry, token, now, rotationKey).rotations !== undefined;
    const { selector, owner } = known.entry;
    if ((await records.end(known, isStill)) === true) events.destroyed({ selector, owner });
  }

  /** Records the activity of a request that is not saved. @returns `undefined` if the session has ended meanwhile */
  async #touch(origin: Origin): Promise<Origin | undefined> {
    const { records, touchEvery } = this.#config;
    const isDue = ({ entry, now }: KnownSession) => secondsSince(entry.lastSeenAt, now) >= touchEvery;
    if (!isDue(origin.known)) return origin;
    if (!(await records.isConfirmed(origin.known.entry))) return undefined;
    const known = await this.#change(origin, (current) => (isDue(current) ? {} : undefined));
    return known && { ...origin, known };
  }

  /**
   * Removes the flashed messages from the record before they are shown, so that only one of several parallel requests gets
   * them. The save puts back those that were not shown.
   */
  async #takeMessages(origin: Origin): Promise<Origin> {
    const taken = await this.#takeText(origin, FLASHES);
    return { ...taken.origin, messages: taken.text ?? undefined };
  }

  async #takeText(
    origin: Origin,
    key: string,
  ): Promise<{ readonly text: string | null; readonly origin: Origin }> {
    let text: string | null = null;
    const changes = takingField(key, (stored) => {
      text = stored;
    });
    const known = await this.#change(origin, ({ entry }) => {
      text = null;
      return entry.fields.has(key) ? changes : undefined;
    });
    return known === undefined ? { text: null, origin } : { text, origin: { ...origin, known } };
  }

  /**
   * Changes the record if the request's token is still valid.
   *
   * @param apply returns `undefined` to leave the record unchanged
   * @returns the record, or `undefined` if the token is not valid
   */
  async #change(
    { known, token }: Origin,
    apply: (known: KnownSession) => FieldChanges | undefined,
  ): Promise<KnownSession | undefined> {
    const { records } = this.#config;
    const done = await records.loop.change(known.entry.selector, known, (current) => {
      const { entry, now } = current;
      if (tokenNow(entry, token, now, this.#config) === undefined) return { action: "leave", result: false };
      const changes = apply(current);
      if (changes === undefined) return { action: "leave", result: true };
      return changeStep(true, current, { ...changes, expiry: { idle: this.#idleOf(entry) } });
    });
    return done.status === "ok" && done.result ? done.known : undefined;
  }

  #idleOf({ owner, fields }: SessionRecord): number {
    return idleOf(this.#config, owner, fields.get("_permanent") === "true");
  }
}

/** Whether `other` is a valid token of the same session, and `one` is an earlier one. */
function isSuccessor(other: Presented, one: Presented): boolean {
  const isGood = other.check.status === "current" || other.check.status === "previous";
  return isGood && one.check.status === "replaced" && other.token.selector === one.token.selector;
}

/** The fields of the session when it is opened. */
export function fieldsOf({ known, messages, isReadOnly }: Origin): Fields {
  const { fields } = known.entry;
  return isReadOnly || fields.get(FLASHES) === messages ? fields : withMessages(fields, messages);
}

/**
 * The current token of the record, for a request whose `token` was valid when the session was opened. Periodic rotations
 * since then do not invalidate it, whatever the grace period; a login or `regenerate()` does, and gives `undefined`.
 */
export function tokenNow(
  record: SessionRecord,
  token: Token,
  now: number,
  { rotationKey }: Pick<StoreConfig, "rotationKey">,
  mostRotations?: number,
): Token | undefined {
  const check = checkVerifier(record, token, now, rotationKey, mostRotations);
  if (check.rotations !== undefined) return check.token;
  return check.status === "previous" ? token : undefined;
}

export function secondsSince(moment: number, now: number): number {
  return (now - moment) / 1000;
}

/** The idle timeout of a session, in seconds. */
export function idleOf(
  { idleTimeout, anonymousTimeout }: Pick<StoreConfig, "idleTimeout" | "anonymousTimeout">,
  owner: string | null,
  isPermanent: boolean,
): number {
  return owner === null && !isPermanent ? anonymousTimeout : idleTimeout;
}
