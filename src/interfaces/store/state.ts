import { shareClass } from "../../copies.ts";
import { ConfigError, SessionLostError, SessionNotLoadedError, UnserializableError } from "../../errors.ts";
import { EMPTY_FIELDS, type Fields } from "../../json/fields.ts";
import type { Opened as OpenedFields } from "../../session/changes.ts";
import { SessionState } from "../../session/state.ts";
import { isStorableOwner, STORABLE_OWNER } from "../../stores/parts/record.ts";
import { newToken, type Token } from "../../stores/parts/token.ts";
import { FLASHES, joinedMessages, leftMessages, withMessages } from "../messages.ts";
import type { SessionRequest } from "../session-interface.ts";
import { fieldsOf, type Opened, type Origin, type StoreConfig, type StoreReader } from "./open.ts";
import type { Failed, Saved, Wanted } from "./save.ts";

/** A session whose data is in a store, during one request. */
export class StoreSessionState extends SessionState {
  readonly #config: StoreConfig;
  readonly #reader: StoreReader;
  readonly #arrivedAt: number;
  readonly #find: (() => Promise<Opened>) | undefined;
  /** `undefined` until the session is fetched. */
  #found: Opened | undefined;
  #loading: Promise<void> | undefined;
  /** Where the session is since it was stored or read again in this request. */
  #moved: { readonly origin: Origin | undefined } | undefined;
  /** What a session without a record will be stored under. */
  #token: Token | undefined;
  /** What a handler made of the owner; `undefined` as long as it is the record's. */
  #owner: string | null | undefined;
  #isLogin = false;
  #isCleared = false;
  /** The client holds a cookie of a session that has ended. */
  #isCookieDead = false;
  /** The owners whose sessions this request has ended all, with the marks. */
  #marks: Map<string, number> | undefined;
  /** What was taken out of the record since the last commit began. */
  #consumed = new Set<string>();
  /** What was stored in this request already. */
  readonly #stored = new Set<string>();

  /**
   * @param arrivedAt when the request arrived, epoch milliseconds by `config.now`
   * @param opened what was found for the request, or how to find it when it is asked for
   */
  constructor(
    config: StoreConfig,
    reader: StoreReader,
    arrivedAt: number,
    opened: Opened | (() => Promise<Opened>),
  ) {
    const { json, trackNested } = config;
    super({ json, trackNested, open: () => ({ fields: this.#firstFields() }) });
    this.#config = config;
    this.#reader = reader;
    this.#arrivedAt = arrivedAt;
    if (typeof opened === "function") this.#find = opened;
    else this.#found = opened;
  }

  /** The fetching that is under way. */
  get loading(): Promise<void> | undefined {
    return this.#loading;
  }

  /** Whether the session was fetched, or there is none to fetch. */
  get isLoaded(): boolean {
    return this.#found !== undefined;
  }

  /** Fetches a session that was not fetched with its request; once, however many ask. */
  override load(): Promise<void> | undefined {
    if (this.#found !== undefined) return undefined;
    this.#loading ??= this.#fetch();
    return this.#loading;
  }

  override async consume(key: string): Promise<unknown> {
    const own = this.get(key);
    const { origin } = this;
    if (!this.delete(key)) return undefined;
    if (!origin?.known.entry.fields.has(key)) return own;
    this.#consumed.add(key);
    this.#forgetConsumed();
    const taken = await this.#reader.take(origin, key);
    if (this.origin === origin) this.#moved = { origin: taken.origin };
    return taken.value;
  }

  get origin(): Origin | undefined {
    return (this.#moved ?? this.#found)?.origin;
  }

  /** The sessions that came in where one was expected, until one was begun instead. */
  get #rivals(): readonly Origin[] {
    return (this.#moved === undefined ? this.#foundOrThrow().rivals : undefined) ?? [];
  }

  get isCleared(): boolean {
    return this.#isCleared;
  }

  get isCookieDead(): boolean {
    return this.#isCookieDead || (this.#rivals.length > 0 && this.wasDestroyed);
  }

  override get isNew(): boolean {
    return this.#foundOrThrow().origin === undefined;
  }

  override get selector(): string {
    this.accessed = true;
    return this.isStored ? this.origin!.token.selector : this.#newToken().selector;
  }

  override get isStored(): boolean {
    this.accessed = true;
    return this.origin !== undefined && this.identity !== "destroyed";
  }

  override get loginAge(): number | null {
    if (this.owner === null) return null;
    if (this.#isLogin) return 0;
    const authenticatedAt = this.origin?.known.entry.authenticatedAt ?? null;
    return authenticatedAt === null ? null : this.#config.records.clock.now() - authenticatedAt;
  }

  override get owner(): string | null {
    this.accessed = true;
    return this.ownerNow;
  }

  override set owner(owner: string | null) {
    if (!this.#config.ownable) {
      throw new ConfigError(
        "This store cannot change a record atomically, so its sessions can have no owner; use another, or set storeOptions.allowNonAtomicStore.",
      );
    }
    const id = ownerIdOf(owner);
    const before = this.owner;
    // Another person starts from nothing; only a stranger's cart follows its owner's login.
    if (before !== null && id !== before) this.destroy();
    else this.regenerate(before === null && this.identity === "kept" ? this.#kept() : true);
    this.#owner = id;
    this.#isLogin = id !== null;
  }

  override get ownerNow(): string | null {
    this.#foundOrThrow();
    return this.#owner === undefined ? (this.origin?.known.entry.owner ?? null) : this.#owner;
  }

  /** With an owner it is a logout: the session is over. */
  override clear(): void {
    if (this.ownerNow !== null) return this.destroy();
    super.clear();
    this.#isCleared = true;
  }

  override destroy(): void {
    super.destroy();
    this.#owner = null;
    this.#isLogin = false;
    this.#token = undefined;
    this.#stored.clear();
  }

  override reset(opened: OpenedFields): void {
    super.reset(opened);
    this.#owner = undefined;
    this.#isLogin = false;
    this.#isCleared = false;
    this.#consumed.clear();
    this.#stored.clear();
  }

  override noteEnded(selectors: readonly string[], all?: { owner: string; mark: number }): void {
    if (all !== undefined) (this.#marks ??= new Map()).set(all.owner, all.mark);
    const { origin } = this;
    if (origin === undefined || !selectors.includes(origin.token.selector) || this.isClosed) return;
    // The session of this very request is one of them. What comes now begins another one, as has a login or what followed a logout.
    if (!this.#isLogin && this.identity !== "destroyed") this.destroy();
    this.identity = "kept";
    this.#moved = { origin: undefined };
    this.#isCookieDead = true;
  }

  /** The record is found elsewhere, or is another one by now. */
  moveTo(origin: Origin): void {
    this.#moved = { origin };
  }

  /**
   * What there is to do as of now. Until {@link settle} or {@link settleFailure} is called with it, the session behaves as if it
   * were done.
   *
   * @param isFinal the last commit of a request, which also settles its one-time messages
   */
  want({ isHandshake }: SessionRequest, isFinal: boolean, isFailure: boolean): Wanted {
    const { origin, identity, ownerNow: owner } = this;
    const rivals = this.#rivals;
    const isCleared = this.#isCleared;
    const login =
      this.#isLogin && owner !== null
        ? { owner, elapsed: () => this.#elapsed(), after: this.#marks?.get(owner) }
        : undefined;
    const left = isHandshake ? this.#takeMessages() : undefined;
    const checkpoint = this.checkpoint();
    const { changes, fields } = checkpoint;
    const { modified: isModified, isPermanent } = this;
    this.#consumed.clear();
    const isNew = origin === undefined || identity === "destroyed";
    const token = isNew && isModified ? this.#newToken() : undefined;
    if (!isFinal) {
      this.identity = "kept";
      this.#isLogin = false;
      this.#isCleared = false;
      if (identity === "destroyed") this.#moved = { origin: undefined };
    }
    return {
      origin,
      rivals,
      identity,
      isCleared,
      owner,
      login,
      checkpoint,
      fields: withMessages(fields, undefined),
      messages: left ?? (isFinal ? leftMessages(changes, origin?.messages) : undefined),
      isModified,
      isPermanent,
      token,
      isFailure,
      isFinal,
    };
  }

  /** A commit is done. */
  settle({ checkpoint, isFinal }: Wanted, { cookie, origin }: Saved): void {
    const { changes, fields } = checkpoint;
    if (!isFinal) this.acknowledge(checkpoint, withMessages(fields, this.opened.fields.get(FLASHES)));
    const needsCookie = !isFinal && typeof cookie === "object";
    this.#moved = {
      origin: origin && { ...origin, needsCookie, messages: isFinal ? undefined : origin.messages },
    };
    this.#forgetConsumed();
    for (const key of [...changes.set.keys(), ...changes.transactions.keys()]) this.#stored.add(key);
    if (this.#token?.selector === origin?.token.selector) this.#token = undefined;
    this.#isCookieDead = cookie === "delete";
  }

  /** A commit is not done, and everything in it is still to be done. */
  settleFailure(wanted: Wanted, { error, isEnded }: Failed, { isHandshake }: SessionRequest): void {
    const { origin, identity, login, isCleared, isFinal, messages } = wanted;
    if (isHandshake && messages !== undefined) {
      this.set(FLASHES, joinedMessages(this.json.loads(messages), this.get(FLASHES)));
    }
    if (isEnded) {
      this.identity = this.identity === "destroyed" && isFinal ? "kept" : this.identity;
      this.#moved = { origin: undefined };
      this.#isCookieDead = true;
      return;
    }
    if (this.identity !== "destroyed") this.#isLogin ||= login !== undefined;
    if (this.identity === "kept" || identity === "destroyed") this.identity = identity;
    this.#isCleared ||= isCleared;
    // A client is not sent the cookie of a session that was lost.
    const needsCookie = !(error instanceof SessionLostError) && origin?.needsCookie === true;
    this.#moved = { origin: origin && { ...origin, needsCookie } };
    this.#forgetConsumed();
  }

  /** What was taken out is not in the record any more; put in again meanwhile, it counts as written. */
  #forgetConsumed(): void {
    const { origin } = this;
    if (origin === undefined || this.#consumed.size === 0) return;
    this.rebase(new Map([...this.opened.fields].filter(([key]) => !this.#consumed.has(key))));
  }

  async #fetch(): Promise<void> {
    try {
      this.#found = await this.#find!();
    } finally {
      // After an error it is tried again.
      this.#loading = undefined;
    }
  }

  /** What a login leaves of a stranger's session: what this very request wrote, and what may follow. */
  #kept(): readonly string[] | true {
    const { keepAtLogin } = this.#config;
    if (keepAtLogin === true) return true;
    const { set, transactions } = this.changes();
    return [...set.keys(), ...transactions.keys(), ...this.#stored, ...keepAtLogin];
  }

  /** Seconds since the request arrived. */
  #elapsed(): number {
    return Math.max(0, this.#config.now() - this.#arrivedAt) / 1000;
  }

  #newToken(): Token {
    return (this.#token ??= newToken());
  }

  /** A handshake has not taken the messages of others, so what is there is for the store alone. */
  #takeMessages(): string | undefined {
    const messages = this.fields().get(FLASHES);
    if (messages !== undefined) this.delete(FLASHES);
    return messages;
  }

  #firstFields(): Fields {
    const { origin } = this.#foundOrThrow();
    return origin === undefined ? EMPTY_FIELDS : fieldsOf(origin);
  }

  #foundOrThrow(): Opened {
    if (this.#found === undefined) throw new SessionNotLoadedError();
    return this.#found;
  }
}

shareClass("StoreSessionState", StoreSessionState);

/** What `String(user.id)` gives for a forgotten or missing id. */
const NO_ID = /^(?:undefined|null|NaN|\[object .*\])$/s;

/** A text as it is, a whole number as text; `undefined` for anything else, and for a text that was made from it. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === "string") return NO_ID.test(value) ? undefined : value;
  const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
  return isWhole ? String(value) : undefined;
}

/** What was given instead of an id, for the message of an error. Other texts are data, and not shown. */
export function notAnId(value: unknown): string {
  if (typeof value === "string") return value === "" ? "an empty text" : `the text "${value}"`;
  return ["object", "function", "symbol"].includes(typeof value) && value !== null
    ? `of type ${typeof value}`
    : String(value);
}

/** @throws UnserializableError for what cannot be an id: a forgotten `.id` would log all visitors in as one person */
function ownerIdOf(owner: unknown): string | null {
  if (owner === null) return null;
  const id = idOf(owner);
  if (!id) {
    throw new UnserializableError(
      `session.owner must be the id of a person, a text or a whole number, or null; it was ${notAnId(owner)}. Write session.owner = String(user.id).`,
    );
  }
  if (!isStorableOwner(id)) throw new UnserializableError(`session.owner must be ${STORABLE_OWNER}.`);
  return id;
}
