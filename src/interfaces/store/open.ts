import type { KeyObject } from "node:crypto";
import type { RefusalReason } from "../../codecs/codec.ts";
import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import type { FieldChanges, SessionRecord } from "../../stores/parts/record.ts";
import type { KnownSession, SessionRecords, SessionStep } from "../../stores/parts/session-records.ts";
import { checkVerifier, type VerifierCheck, type Token } from "../../stores/parts/token.ts";
import type { CookieConfig } from "../cookie-interface.ts";
import { events } from "../events.ts";
import { FLASHES, hasMessages, puttingBack, takingField, withMessages } from "../messages.ts";
import type { SessionRequest } from "../session-interface.ts";

/** What a stored session is configured with beyond its cookie. Durations are seconds. */
export interface StoreConfig extends CookieConfig {
  readonly records: SessionRecords;
  readonly json: TaggedJSONSerializer;
  readonly trackNested: boolean;
  /** Sessions are fetched when `loadSession()` is called, not when a request comes in with a token. */
  readonly lazy: boolean;
  /** A session ends after this long without a request. */
  readonly idleTimeout: number;
  /** The same for a session that is not permanent and has no owner. */
  readonly anonymousTimeout: number;
  /** A session ends this long after it began, or after its owner's last login; null: no such limit. */
  readonly absoluteTimeout: number | null;
  /** Activity is noted at most this often. */
  readonly touchEvery: number;
  /** The token is replaced this long after the last time; 0: only at login. */
  readonly rotateAfter: number;
  /** A token that was replaced by a periodic rotation stays good for this long. */
  readonly rotationGrace: number;
  /** Makes the successors in such rotations; null without a secret key. */
  readonly rotationKey: KeyObject | null;
  /** Expired records are removed this often; 0: never. */
  readonly sweepEvery: number;
  /** What to show of a device in a list of sessions. */
  readonly device: ((request: SessionRequest) => unknown) | undefined;
  /** What of a stranger's data follows its owner's login. */
  readonly keepAtLogin: readonly string[] | true;
  readonly lostWrites: "drop" | "throw";
  readonly saveOnError: boolean;
  /** Sessions may have owners: the store changes them atomically. */
  readonly ownable: boolean;
  readonly reusedTokens: "refuse" | "destroy";
}

/** The record a session was opened from, or was stored in since. */
export interface Origin {
  /** As it is stored, as far as this request knows. */
  readonly known: KnownSession;
  /** The token that is good now: the one presented, its successor if the client missed a rotation, or a new one. */
  readonly token: Token;
  /** The client does not have that token yet, or needs its cookie again. */
  readonly needsCookie: boolean;
  /** Messages taken out of the record for this request alone, as JSON text. */
  readonly messages: string | undefined;
  /** The session may be shown without having taken its messages: it will not be saved. */
  readonly isReadOnly: boolean;
}

/** What the tokens of a request led to. */
export interface Opened {
  readonly origin?: Origin | undefined;
  /**
   * Two sessions or more came in, so it cannot be told which one is meant: none is opened. A request that logs in, logs out or
   * writes ends them all and begins anew.
   */
  readonly rivals?: readonly Origin[];
  /** Several tokens of ours came in, so the browser keeps the cookie in several places. */
  readonly isSplit?: boolean;
}

/** A socket that was silent for longer than this many rotations must connect again. */
const MAX_ROTATIONS = 10_000;

/** A token of a request that names a record, and what it is to that record. */
interface Presented {
  readonly known: KnownSession;
  readonly token: Token;
  readonly check: VerifierCheck;
}

/** Opens stored sessions: finds the record that a token leads to, and finds it again later. */
export class StoreReader {
  readonly #config: StoreConfig;
  readonly #refused: (reason: RefusalReason) => void;

  constructor(config: StoreConfig, refused: (reason: RefusalReason) => void) {
    this.#config = config;
    this.#refused = refused;
  }

  /** The record that the tokens of a request lead to, with its one-time messages taken out of the store. */
  async find(tokens: readonly Token[], { readOnly, isHandshake }: SessionRequest): Promise<Opened> {
    const { records, rotationKey } = this.#config;
    const presented: Presented[] = [];
    for (const token of tokens) {
      const known = await records.read(token.selector);
      if (typeof known === "string") this.#refused(known === "gone" ? "unknown" : "undecodable");
      else presented.push({ known, token, check: checkVerifier(known.entry, token, known.now, rotationKey) });
    }
    const origins: Origin[] = [];
    for (const one of presented) {
      // A browser that keeps the cookie in two places sends its old token beside the new one, and stole neither.
      if (presented.some((other) => isSuccessor(other, one))) continue;
      const admitted = this.#admit(one);
      if (admitted === "stolen") await this.#endStolen(one.known, one.token);
      else if (admitted !== undefined) origins.push(admitted);
    }
    const isSplit = presented.filter(({ check }) => check.status !== "unknown").length > 1;
    const [origin, ...others] = origins;
    // The partitioned and the plain cookie of one session may come in together; two sessions may not.
    const isAmbiguous = others.some(({ token }) => token.selector !== origin?.token.selector);
    if (isAmbiguous) {
      this.#refused("ambiguous");
      return { isSplit, rivals: origins };
    }
    if (origin === undefined) return { isSplit };
    if (isHandshake) return { isSplit, origin };
    if (readOnly) return { isSplit, origin: await this.#noteActivity(origin) };
    const isTaking = hasMessages(origin.known.entry.fields);
    return { isSplit, origin: isTaking ? await this.#takeMessages(origin) : origin };
  }

  /** The record as it is now, if what was presented once still leads to it: by periodic rotations, but by no login. */
  async follow(origin: Origin, isHandshake: boolean): Promise<Origin | undefined> {
    const { records, schemaMismatch, rotateAfter } = this.#config;
    const known = await records.read(origin.token.selector);
    if (typeof known === "string") return undefined;
    const { entry, now } = known;
    const elapsed = secondsSince(origin.known.now, now);
    const most = rotateAfter > 0 ? Math.min(MAX_ROTATIONS, elapsed / rotateAfter + 1) : 0;
    const token = tokenNow(entry, origin.token, now, this.#config, most);
    if (token === undefined || schemaMismatch?.(entry.fields) !== undefined) return undefined;
    const needsCookie = origin.needsCookie || token !== origin.token;
    const moved: Origin = { ...origin, known, token, needsCookie };
    // A socket has no response whose saving would note that its visitor is there.
    return isHandshake ? this.#touch(moved) : moved;
  }

  /** Takes a key out of the record. @returns its value, for one caller alone, and the record after that */
  async take(origin: Origin, key: string): Promise<{ readonly value: unknown; readonly origin: Origin }> {
    const taken = await this.#takeText(origin, key);
    return {
      value: taken.text === null ? undefined : this.#config.json.loads(taken.text),
      origin: taken.origin,
    };
  }

  /**
   * Puts back the messages that were taken for a request that cannot show them, also into a session that has moved on to
   * another identity, as far as data follows there. What the caller is told is the request's own error.
   */
  async giveBack({ known, messages }: Origin): Promise<void> {
    const { records, json, keepAtLogin } = this.#config;
    const changes = puttingBack(messages, json);
    if (changes.transactions === undefined && changes.set === undefined) return;
    const { owner } = known.entry;
    const isFollowed = owner === null && (keepAtLogin === true || keepAtLogin.includes(FLASHES));
    const giving = records.change(known, undefined, ({ entry, now }): SessionStep<undefined> => {
      if (entry.owner !== owner && !isFollowed) return { result: undefined };
      // That does not count as activity of the session's owner.
      const idle = -secondsSince(entry.expiresAt, now);
      return { result: undefined, change: { ...changes, expiry: { idle } } };
    });
    await giving.catch(() => {});
  }

  /** Judges the verifier. "stolen": it is from before a rotation, and the session is to end. */
  #admit({ known, token, check }: Presented): Origin | "stolen" | undefined {
    const { reusedTokens, schemaMismatch } = this.#config;
    const { entry } = known;
    if (check.status === "unknown") {
      this.#refused("unknown");
      return undefined;
    }
    if (check.status === "replaced") {
      events.reused({ selector: entry.selector, owner: entry.owner });
      // A token from before a login proves nothing about the session after it: an attacker who planted it must not be able to end that session.
      const isStolen = check.rotations !== undefined;
      return reusedTokens === "destroy" && isStolen ? "stolen" : undefined;
    }
    if (schemaMismatch?.(entry.fields) !== undefined) {
      this.#refused("schema");
      return undefined;
    }
    const needsCookie = check.token !== token;
    return { known, token: check.token, needsCookie, messages: undefined, isReadOnly: false };
  }

  async #endStolen(known: KnownSession, token: Token): Promise<void> {
    const { records, rotationKey } = this.#config;
    const isStill = ({ entry, now }: KnownSession) =>
      checkVerifier(entry, token, now, rotationKey).rotations !== undefined;
    const { selector, owner } = known.entry;
    if ((await records.end(known, isStill)) === true) events.destroyed({ selector, owner });
  }

  /** A visitor who only looks is active as well, and nothing will be saved that could note it. */
  async #noteActivity(origin: Origin): Promise<Origin> {
    return { ...((await this.#touch(origin)) ?? origin), isReadOnly: true };
  }

  async #touch(origin: Origin): Promise<Origin | undefined> {
    const { records, touchEvery } = this.#config;
    const isDue = ({ entry, now }: KnownSession) => secondsSince(entry.lastSeenAt, now) >= touchEvery;
    if (!isDue(origin.known)) return origin;
    if (!(await records.isConfirmed(origin.known.entry))) return undefined;
    const touched = await this.#change(origin, (known) =>
      isDue(known) ? { result: true, changes: {} } : { result: true },
    );
    return touched && { ...origin, known: touched.known };
  }

  /**
   * One-time messages are taken out of the record before they can be shown, so that of parallel requests only one
   * has them; what it does not show goes back when it is saved.
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
    const done = await this.#change(origin, ({ entry }) => {
      text = null;
      return entry.fields.has(key) ? { result: true, changes } : { result: true };
    });
    return done === undefined ? { text: null, origin } : { text, origin: { ...origin, known: done.known } };
  }

  /** Changes the record while this request may do so. @returns `undefined` if it may not any more */
  async #change(
    { known, token }: Origin,
    apply: (known: KnownSession) => { readonly result: true; readonly changes?: FieldChanges },
  ): Promise<{ readonly known: KnownSession } | undefined> {
    const { records } = this.#config;
    const done = await records.change(known, undefined, (current): SessionStep<boolean> => {
      const { entry, now } = current;
      if (tokenNow(entry, token, now, this.#config) === undefined) return { result: false };
      const { result, changes } = apply(current);
      if (changes === undefined) return { result };
      return { result, change: { ...changes, expiry: { idle: this.#idleOf(entry) } } };
    });
    return done.status === "ok" && done.result ? done : undefined;
  }

  #idleOf({ owner, fields }: SessionRecord): number {
    return idleOf(this.#config, owner, fields.get("_permanent") === "true");
  }
}

/** Whether `other` is a good token of the same session, and `one` was replaced. */
function isSuccessor(other: Presented, one: Presented): boolean {
  const isGood = other.check.status === "current" || other.check.status === "previous";
  return isGood && one.check.status === "replaced" && other.token.selector === one.token.selector;
}

/** What the session of a request shows at first. */
export function fieldsOf({ known, messages, isReadOnly }: Origin): Fields {
  return isReadOnly ? known.entry.fields : withMessages(known.entry.fields, messages);
}

/**
 * The token that is good for the record now, for a request that was let in with `token`: a periodic rotation meanwhile ends no
 * request, whatever its grace. `undefined` if the session moved on to another identity, by a login or `regenerate`.
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

/** The options of {@link StoreConfig} that say how long a session lives without activity. */
export function idleOf(
  { idleTimeout, anonymousTimeout }: Pick<StoreConfig, "idleTimeout" | "anonymousTimeout">,
  owner: string | null,
  isPermanent: boolean,
): number {
  return owner === null && !isPermanent ? anonymousTimeout : idleTimeout;
}
