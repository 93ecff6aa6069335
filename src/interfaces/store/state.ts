import { shareClass } from "../../copies.ts";
import { ConfigError, SessionLostError, SessionNotLoadedError } from "../../errors.ts";
import { EMPTY_FIELDS, type Fields } from "../../json/fields.ts";
import type { Opened, SessionChanges, SessionStateOptions } from "../../session/changes.ts";
import { SessionState } from "../../session/state.ts";
import { newToken, type Token } from "../../stores/token.ts";
import type { SessionRequest } from "../session-interface.ts";
import type { Intent } from "./intent.ts";
import type { Arrival, Origin } from "./origin.ts";

const FLASHES = "_flashes";

/** How a stored session comes to life. */
export interface StoreStateOptions extends Required<Pick<SessionStateOptions, "json" | "trackNested">> {
  readonly request: SessionRequest;
  /** What was found for the request, or how to look for it later. */
  readonly arrival: Arrival | (() => Promise<Arrival>);
  /** Takes a key out of the record at once, and gives its value to one caller alone. */
  readonly take: (origin: Origin, key: string) => Promise<unknown>;
  /** Epoch milliseconds by this process's clock: how long a login took is measured from here. */
  readonly arrivedAt: number;
  /** Whether the store can keep owners as they must be kept. */
  readonly ownable: boolean;
  /** What of a stranger's data follows its owner's login. */
  readonly keepAtLogin: readonly string[] | true;
}

/** A session whose data is in a store, during one request. */
export class StoreSessionState extends SessionState {
  readonly request: SessionRequest;
  readonly arrivedAt: number;
  #arrival: Arrival | undefined;
  #find: (() => Promise<Arrival>) | undefined;
  #loading: Promise<void> | undefined;
  /** Where the session is since it was stored or read again in this request. */
  #moved: { readonly origin: Origin | undefined } | undefined;
  /** What a session without a record will be stored under. */
  #token: Token | undefined;
  /** What a handler made of the owner; `undefined` as long as it is the record's. */
  #owner: string | null | undefined;
  #isLogin = false;
  #isCleared = false;
  #hasDeadCookie = false;
  readonly #take: StoreStateOptions["take"];
  /** What was taken out of the record since the last commit began. */
  #consumed = new Set<string>();
  /** What was stored in this request already. */
  readonly #stored = new Set<string>();
  readonly #ownable: boolean;
  readonly #keepAtLogin: readonly string[] | true;

  constructor(options: StoreStateOptions) {
    const { arrival, json, trackNested } = options;
    // Written out: to spread an object costs as much as all the rest of this.
    super({
      json,
      trackNested,
      open: () => ({ fields: this.#arrived.origin?.record.fields ?? EMPTY_FIELDS }),
    });
    this.request = options.request;
    this.arrivedAt = options.arrivedAt;
    this.#take = options.take;
    this.#ownable = options.ownable;
    this.#keepAtLogin = options.keepAtLogin;
    if (typeof arrival === "function") this.#find = arrival;
    else this.#arrival = arrival;
  }

  /** The fetching that is under way. */
  get loading(): Promise<void> | undefined {
    return this.#loading;
  }

  /** Whether the session was fetched, or there is none to fetch. */
  get isLoaded(): boolean {
    return this.#arrival !== undefined;
  }

  /** Fetches a session that was not fetched with its request; once, however many ask. */
  load(): Promise<void> | undefined {
    if (this.#arrival !== undefined) return undefined;
    this.#loading ??= this.#fetch();
    return this.#loading;
  }

  /** Takes a key out of the session at once: of all requests that do so, one gets the value. */
  async consume(key: string): Promise<unknown> {
    const own = this.get(key);
    const { origin } = this;
    if (!this.delete(key)) return undefined;
    if (!origin?.record.fields.has(key)) return own;
    this.#consumed.add(key);
    this.#forgetConsumed();
    return this.#take(origin, key);
  }

  /** Whoever puts a consumed key in again meanwhile keeps it. */
  #forgetConsumed(): void {
    const { origin } = this;
    if (origin === undefined || this.#consumed.size === 0) return;
    this.rebase(without(this.#consumed, this.opened.fields));
    const fields = without(this.#consumed, origin.record.fields);
    this.#moved = { origin: { ...origin, record: { ...origin.record, fields } } };
  }

  get origin(): Origin | undefined {
    return (this.#moved ?? this.#arrival)?.origin;
  }

  get isAmbiguous(): boolean {
    return this.#arrived.isAmbiguous ?? false;
  }

  override get isNew(): boolean {
    return this.#arrived.origin === undefined;
  }

  /** The public name of the session, also of one that will be stored under it when there is something to store. */
  get selector(): string {
    const { origin } = this;
    return origin !== undefined && this.fate !== "destroyed"
      ? origin.record.selector
      : this.#newToken().selector;
  }

  override get owner(): string | null {
    this.accessed = true;
    void this.#arrived;
    return this.#owner === undefined ? (this.origin?.record.owner ?? null) : this.#owner;
  }

  override set owner(owner: string | null) {
    if (!this.#ownable) {
      throw new ConfigError(
        "This store cannot change a record atomically, or not list sessions by owner; use another, or allowNonAtomicStore.",
      );
    }
    const before = this.owner;
    // Whoever comes after somebody else starts from nothing; only a stranger's cart follows its owner's login.
    if (before !== null && owner !== before) this.destroy();
    else this.regenerate(before === null && this.fate === "kept" ? this.#kept() : true);
    this.#owner = owner === null ? null : String(owner);
    this.#isLogin = owner !== null;
  }

  /** The handler named the owner: the session was authenticated in this very request. */
  get isLogin(): boolean {
    return this.#isLogin;
  }

  override clear(): void {
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

  override reset(opened: Opened): void {
    super.reset(opened);
    this.#owner = undefined;
    this.#isLogin = false;
    this.#isCleared = false;
    this.#consumed.clear();
    this.#stored.clear();
  }

  /** The record is found elsewhere, or is another one by now. */
  moveTo(origin: Origin): void {
    this.#moved = { origin };
  }

  /**
   * What there is to do as of now. Until its `stored` or `failed` is called, the session behaves as if it were done.
   *
   * @param isFinal the last commit of a request, which also settles its one-time messages; nothing comes after it
   */
  take(isFinal: boolean): Intent {
    const { origin, fate, request, arrivedAt, owner } = this;
    const [isLogin, isCleared] = [this.#isLogin, this.#isCleared];
    const messages = request.isHandshake ? this.#takeMessages() : undefined;
    const { fields, changes, stored } = this.checkpoint();
    this.#consumed.clear();
    let isEnded = false;
    if (!isFinal) {
      this.fate = "kept";
      this.#isLogin = false;
      this.#isCleared = false;
      if (fate === "destroyed") this.#moved = { origin: undefined };
    }
    return {
      origin,
      fate,
      isCleared,
      isLogin,
      owner,
      changes,
      request,
      arrivedAt,
      permanent: this.permanent,
      newToken: () => this.#newToken(),
      isCookieDue: this.maxAge !== undefined,
      hasDeadCookie: this.#hasDeadCookie,
      fields: isFinal ? fields : withText(FLASHES, undefined, fields),
      flashes: messages ?? (isFinal ? waiting(changes, origin) : undefined),
      ended: () => {
        isEnded = true;
      },
      stored: ({ cookie, origin: now }) => {
        if (!isFinal) stored(withText(FLASHES, this.opened.fields.get(FLASHES), fields));
        const isMissed = !isFinal && typeof cookie === "object";
        this.#moved = { origin: now && { ...now, isMissed, flashes: isFinal ? undefined : now.flashes } };
        this.#forgetConsumed();
        for (const key of [...changes.set.keys(), ...changes.transactions.keys()]) this.#stored.add(key);
        if (this.#token?.selector === now?.record.selector) this.#token = undefined;
        this.#hasDeadCookie = cookie === "delete";
      },
      failed: (error) => {
        if (messages !== undefined) this.#putBackMessages(messages);
        if (isEnded) {
          this.fate = this.fate === "destroyed" && isFinal ? "kept" : this.fate;
          this.#moved = { origin: undefined };
          this.#hasDeadCookie = true;
          return;
        }
        if (this.fate !== "destroyed") this.#isLogin ||= isLogin;
        if (this.fate === "kept" || fate === "destroyed") this.fate = fate;
        this.#isCleared ||= isCleared;
        // Whoever lost a session is not sent its cookie.
        const isMissed = !(error instanceof SessionLostError) && origin?.isMissed === true;
        this.#moved = { origin: origin && { ...origin, isMissed } };
        this.#forgetConsumed();
      },
    };
  }

  async #fetch(): Promise<void> {
    try {
      this.#arrival = await this.#find!();
    } finally {
      // Whoever asks again after an error may have more luck.
      this.#loading = undefined;
    }
  }

  /** What a login leaves of a stranger's session: what this very request wrote, and what may follow. */
  #kept(): readonly string[] | true {
    if (this.#keepAtLogin === true) return true;
    const { set, transactions } = this.changes();
    return [...set.keys(), ...transactions.keys(), ...this.#stored, ...this.#keepAtLogin];
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

  #putBackMessages(messages: string): void {
    this.set(FLASHES, [this.json.loads(messages), this.get(FLASHES) ?? []].flat());
  }

  get #arrived(): Arrival {
    if (this.#arrival === undefined) throw new SessionNotLoadedError();
    return this.#arrival;
  }
}

shareClass("StoreSessionState", StoreSessionState);

/** What is left of the messages a request took or left: all of its own, or those it took and did not show. */
function waiting({ set, unset }: SessionChanges, origin: Origin | undefined): string | undefined {
  return set.get(FLASHES) ?? (unset.includes(FLASHES) ? undefined : origin?.flashes);
}

function without(keys: ReadonlySet<string>, fields: Fields): Fields {
  return new Map([...fields].filter(([key]) => !keys.has(key)));
}

function withText(key: string, text: string | undefined, fields: Fields): Fields {
  const changed = new Map(fields);
  if (text === undefined) changed.delete(key);
  else changed.set(key, text);
  return changed;
}

/** Flask-Session's rule: a session that holds nothing but its own permanence is empty. */
export function isEmpty(fields: Fields): boolean {
  return fields.size === 0 || (fields.size === 1 && fields.has("_permanent"));
}
