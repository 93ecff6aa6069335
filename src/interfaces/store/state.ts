import { shareClass } from "../../copies.ts";
import { ConfigError, SessionLostError, SessionNotLoadedError } from "../../errors.ts";
import { EMPTY_FIELDS, type Fields } from "../../json/fields.ts";
import type { Checkpoint, IdentityChange, Opened, SessionChanges } from "../../session/changes.ts";
import { SessionState } from "../../session/state.ts";
import type { Login } from "../../stores/parts/owners.ts";
import { newToken, type Token } from "../../stores/parts/token.ts";
import { FLASHES } from "../../session/flash.ts";
import { joinMessages, withMessages, withoutMessages } from "../messages.ts";
import type { SessionRequest } from "../session-interface.ts";
import { fieldsOf, type OpenResult, type Origin, type StoreConfig, type StoreReader } from "./open.ts";
import { ownerIdOf } from "./owner-id.ts";

/** What a commit has to store, as of its beginning. */
export interface PendingCommit {
  readonly origin: Origin | undefined;
  /** The sessions of a request whose cookies named more than one; none of them was opened. */
  readonly ambiguous: readonly Origin[];
  readonly identity: IdentityChange;
  /** The handler called `clear()`. */
  readonly isCleared: boolean;
  readonly owner: string | null;
  /** The login, if the handler assigned the owner in this request. */
  readonly login: Login | undefined;
  readonly checkpoint: Checkpoint;
  /** The changes of the data, without those of flashed messages. */
  readonly changes: SessionChanges;
  /** The flashed messages to store, as JSON text. */
  readonly messages: string | undefined;
  readonly isModified: boolean;
  readonly isPermanent: boolean;
  /** The token for a session that has no record yet, if its selector was read already. */
  readonly token: Token | undefined;
  /** The response has a 5xx status and `saveOnError` is off. */
  readonly isFailure: boolean;
  /** This is the last commit of the request. */
  readonly isFinal: boolean;
}

/** The result of a commit. */
export interface CommitResult {
  /** Send a cookie with this token, delete the cookie, or send none. */
  readonly cookie: Token | "delete" | "keep";
  /** The record of the session after the commit. */
  readonly origin: Origin | undefined;
  /** Another request has given the session a new token by a login or `regenerate()`, so nothing was stored. */
  readonly hasNewIdentity?: boolean;
}

/** The state, during one request, of a session in a store. */
export class StoreSessionState extends SessionState {
  readonly #config: StoreConfig;
  readonly #reader: StoreReader;
  readonly #arrivedAt: number;
  readonly #open: (() => Promise<OpenResult>) | undefined;
  /** `undefined` until the session is loaded. */
  #openResult: OpenResult | undefined;
  #loading: Promise<void> | undefined;
  /**
   * The record since the session was committed or reloaded in this request; takes precedence over the result of
   * opening it.
   */
  #current: { readonly origin: Origin | undefined } | undefined;
  /** The token for a session that has no record yet. */
  #token: Token | undefined;
  /** The owner assigned in this request; `undefined` if none was. */
  #owner: string | null | undefined;
  #isLogin = false;
  #isCleared = false;
  /** The browser holds the cookie of a session that has ended. */
  #isCookieDeletionDue = false;
  /** Owners whose sessions this request ended, and each owner's revocation time. */
  #revocations: Map<string, number> | undefined;
  /** Keys that `consume()` removed from the record since the last commit began. */
  #consumedKeys = new Set<string>();
  /** Keys that were written to the record in this request. */
  readonly #storedKeys = new Set<string>();

  /**
   * @param arrivedAt when the request arrived, epoch milliseconds by `config.now`
   * @param opened the result of opening the session, or with `lazy` a function that opens it
   */
  constructor(
    config: StoreConfig,
    reader: StoreReader,
    arrivedAt: number,
    opened: OpenResult | (() => Promise<OpenResult>),
  ) {
    const { json, trackNested } = config;
    super({ json, trackNested, open: () => ({ fields: this.#initialFields() }) });
    this.#config = config;
    this.#reader = reader;
    this.#arrivedAt = arrivedAt;
    if (typeof opened === "function") this.#open = opened;
    else this.#openResult = opened;
  }

  /** The pending load, if any. */
  get loading(): Promise<void> | undefined {
    return this.#loading;
  }

  /** Whether the session was loaded, or there is none to load. */
  get isLoaded(): boolean {
    return this.#openResult !== undefined;
  }

  /** Loads a lazy session. Concurrent calls share one read. */
  override load(): Promise<void> | undefined {
    if (this.#openResult !== undefined) return undefined;
    this.#loading ??= this.#fetch();
    return this.#loading;
  }

  override async consume(key: string): Promise<unknown> {
    const own = this.get(key);
    const { origin } = this;
    if (!this.delete(key)) return undefined;
    if (!origin?.known.entry.fields.has(key)) return own;
    this.#consumedKeys.add(key);
    this.#removeConsumed();
    const taken = await this.#reader.take(origin, key);
    if (this.origin === origin) this.#current = { origin: taken.origin };
    return taken.value;
  }

  get origin(): Origin | undefined {
    return (this.#current ?? this.#openResult)?.origin;
  }

  /** The sessions named by an ambiguous request, until a new one was started. */
  get #ambiguous(): readonly Origin[] {
    return (this.#current === undefined ? this.#openResultOrThrow().ambiguous : undefined) ?? [];
  }

  get isCookieDeletionDue(): boolean {
    return this.#isCookieDeletionDue || (this.#ambiguous.length > 0 && this.wasDestroyed);
  }

  override get isNew(): boolean {
    return this.#openResultOrThrow().origin === undefined;
  }

  override get selector(): string {
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
    // Another user starts with an empty session; an anonymous session keeps its data at login.
    if (before !== null && id !== before) this.destroy();
    else this.regenerate(before === null && this.identity === "kept" ? this.#keysKeptAtLogin() : true);
    this.#owner = id;
    this.#isLogin = id !== null;
  }

  override get ownerNow(): string | null {
    this.#openResultOrThrow();
    return this.#owner === undefined ? (this.origin?.known.entry.owner ?? null) : this.#owner;
  }

  /** Ends the session if it has an owner: clearing it is then a logout. */
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
    this.#storedKeys.clear();
  }

  override reset(opened: Opened): void {
    super.reset(opened);
    this.#owner = undefined;
    this.#isLogin = false;
    this.#isCleared = false;
    this.#consumedKeys.clear();
    this.#storedKeys.clear();
  }

  override noteEnded(selectors: readonly string[], all?: { owner: string; revokedAt: number }): void {
    if (all !== undefined) (this.#revocations ??= new Map()).set(all.owner, all.revokedAt);
    const { origin } = this;
    if (origin === undefined || !selectors.includes(origin.token.selector) || this.isClosed) return;
    // The request's own session was ended, so what the handler writes from now on goes to a new one, as after a login
    // or logout.
    if (!this.#isLogin && this.identity !== "destroyed") this.destroy();
    this.identity = "kept";
    this.#current = { origin: undefined };
    this.#isCookieDeletionDue = true;
  }

  /** Sets the record: the session has a new token or was read again. */
  moveTo(origin: Origin): void {
    this.#current = { origin };
  }

  /**
   * Takes what there is to commit now. The session then behaves as if it were committed; after the commit, call
   * {@link commitSucceeded} or {@link commitFailed}.
   *
   * @param isFinal the last commit of a request, which also stores its flashed messages
   */
  beginCommit({ isHandshake }: SessionRequest, isFinal: boolean, isFailure: boolean): PendingCommit {
    const { origin, identity, ownerNow: owner } = this;
    const ambiguous = this.#ambiguous;
    const isCleared = this.#isCleared;
    const login =
      this.#isLogin && owner !== null
        ? { owner, elapsed: () => this.#elapsed(), after: this.#revocations?.get(owner) }
        : undefined;
    const left = isHandshake ? this.#takeMessages() : undefined;
    const checkpoint = this.checkpoint();
    const { changes } = checkpoint;
    const hasMessageChanges = changes.set.has(FLASHES) || changes.unset.includes(FLASHES);
    // Messages that were taken from the record, and neither shown nor added to, go back into it.
    const messages = hasMessageChanges ? changes.set.get(FLASHES) : origin?.messages;
    const { modified: isModified, isPermanent } = this;
    this.#consumedKeys.clear();
    const isNew = origin === undefined || identity === "destroyed";
    const token = isNew && isModified ? this.#newToken() : undefined;
    if (!isFinal) {
      this.identity = "kept";
      this.#isLogin = false;
      this.#isCleared = false;
      if (identity === "destroyed") this.#current = { origin: undefined };
    }
    return {
      origin,
      ambiguous,
      identity,
      isCleared,
      owner,
      login,
      checkpoint,
      changes: hasMessageChanges ? withoutMessages(changes) : changes,
      messages: left ?? (isFinal ? messages : undefined),
      isModified,
      isPermanent,
      token,
      isFailure,
      isFinal,
    };
  }

  /** Takes over the result of a commit. */
  commitSucceeded({ checkpoint, isFinal }: PendingCommit, { cookie, origin }: CommitResult): void {
    const { changes, fields } = checkpoint;
    if (!isFinal) this.acknowledge(checkpoint, withMessages(fields, this.opened.fields.get(FLASHES)));
    const needsCookie = !isFinal && typeof cookie === "object";
    this.#current = {
      origin: origin && { ...origin, needsCookie, messages: isFinal ? undefined : origin.messages },
    };
    this.#removeConsumed();
    for (const key of [...changes.set.keys(), ...changes.transactions.keys()]) this.#storedKeys.add(key);
    if (this.#token?.selector === origin?.token.selector) this.#token = undefined;
    this.#isCookieDeletionDue = cookie === "delete";
  }

  /**
   * Restores what the failed commit was to store, so that the next commit stores it.
   *
   * @param isEnded the record was removed before the failure
   */
  commitFailed(
    pending: PendingCommit,
    error: unknown,
    isEnded: boolean,
    { isHandshake }: SessionRequest,
  ): void {
    const { origin, identity, login, isCleared, isFinal, messages } = pending;
    if (isHandshake && messages !== undefined) {
      this.set(FLASHES, joinMessages(this.json.loads(messages), this.get(FLASHES)));
    }
    if (isEnded) {
      this.identity = this.identity === "destroyed" && isFinal ? "kept" : this.identity;
      this.#current = { origin: undefined };
      this.#isCookieDeletionDue = true;
      return;
    }
    if (this.identity !== "destroyed") this.#isLogin ||= login !== undefined;
    if (this.identity === "kept" || identity === "destroyed") this.identity = identity;
    this.#isCleared ||= isCleared;
    // If the session was lost, its cookie is not sent again.
    const needsCookie = !(error instanceof SessionLostError) && origin?.needsCookie === true;
    this.#current = { origin: origin && { ...origin, needsCookie } };
    this.#removeConsumed();
  }

  /** Removes consumed keys from the opened fields, so that a value set after `consume()` counts as a change. */
  #removeConsumed(): void {
    const { origin } = this;
    if (origin === undefined || this.#consumedKeys.size === 0) return;
    this.rebase(new Map([...this.opened.fields].filter(([key]) => !this.#consumedKeys.has(key))));
  }

  async #fetch(): Promise<void> {
    try {
      this.#openResult = await this.#open!();
    } finally {
      // After an error, the next call tries again.
      this.#loading = undefined;
    }
  }

  /** The keys that an anonymous session keeps at login: those written in this request, and those in `keepAtLogin`. */
  #keysKeptAtLogin(): readonly string[] | true {
    const { keepAtLogin } = this.#config;
    if (keepAtLogin === true) return true;
    const { set, transactions } = this.changes();
    return [...set.keys(), ...transactions.keys(), ...this.#storedKeys, ...keepAtLogin];
  }

  /** Seconds since the request arrived. */
  #elapsed(): number {
    return Math.max(0, this.#config.now() - this.#arrivedAt) / 1000;
  }

  #newToken(): Token {
    return (this.#token ??= newToken());
  }

  /** In a handshake, removes the flashed messages from the session, to be stored. Its record's messages were not taken. */
  #takeMessages(): string | undefined {
    const messages = this.fields().get(FLASHES);
    if (messages !== undefined) this.delete(FLASHES);
    return messages;
  }

  #initialFields(): Fields {
    const { origin } = this.#openResultOrThrow();
    return origin === undefined ? EMPTY_FIELDS : fieldsOf(origin);
  }

  #openResultOrThrow(): OpenResult {
    if (this.#openResult === undefined) throw new SessionNotLoadedError();
    return this.#openResult;
  }
}

shareClass("StoreSessionState", StoreSessionState);
