import { ConfigError, SessionNotLoadedError } from "../errors.ts";
import { EMPTY_FIELDS, type Fields } from "../json/fields.ts";
import { SessionState, type SessionChanges, type SessionStateOptions } from "../session-state.ts";
import type { SessionRecord } from "../stores/store.ts";
import type { Token } from "../stores/token.ts";
import type { SessionRequest } from "./session-interface.ts";

/** The record a session was opened from. */
export interface Origin {
  readonly record: SessionRecord;
  /** The token that is good now: the one presented, or its successor if the client missed a rotation. */
  readonly token: Token;
  /** The client does not have that token yet. */
  readonly isMissed: boolean;
  /** The store's clock at the read, epoch milliseconds. */
  readonly now: number;
  /** Messages taken out of the record for this request alone, as JSON text. */
  readonly flashes: string | undefined;
}

const NONE: string[] = [];

/** What the tokens of a request led to. */
export interface Arrival {
  readonly origin?: Origin | undefined;
  /** Nobody can say which session is meant, so no cookie is sent, whatever happens. */
  readonly isAmbiguous?: boolean;
}

/** How a stored session comes to life. */
export interface StoreStateOptions extends Omit<SessionStateOptions, "open"> {
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
  /** What a handler made of the owner; `undefined` as long as it is the record's. */
  #owner: string | null | undefined;
  #isLogin = false;
  #isCleared = false;
  readonly #take: StoreStateOptions["take"];
  #consumed: string[] = NONE;
  readonly #ownable: boolean;
  readonly #keepAtLogin: readonly string[] | true;

  constructor({ arrival, ...options }: StoreStateOptions) {
    super({ ...options, open: () => ({ fields: this.#arrived.origin?.record.fields ?? EMPTY_FIELDS }) });
    this.request = options.request;
    this.arrivedAt = options.arrivedAt;
    this.#take = options.take;
    this.#ownable = options.ownable;
    this.#keepAtLogin = options.keepAtLogin;
    if (typeof arrival === "function") this.#find = arrival;
    else this.#arrival = arrival;
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
    const { origin } = this.#arrived;
    const own = this.get(key);
    if (!this.delete(key)) return undefined;
    if (!origin?.record.fields.has(key)) return own;
    this.#consumed = [...this.#consumed, key];
    return this.#take(origin, key);
  }

  /** What was consumed is out of the record already; whoever puts it in again meanwhile keeps it. */
  override changes(): SessionChanges {
    const changes = super.changes();
    if (this.#consumed === NONE) return changes;
    return { ...changes, unset: changes.unset.filter((key) => !this.#consumed.includes(key)) };
  }

  get origin(): Origin | undefined {
    return this.#arrival?.origin;
  }

  get isAmbiguous(): boolean {
    return this.#arrived.isAmbiguous ?? false;
  }

  override get isNew(): boolean {
    return this.#arrived.origin === undefined;
  }

  override get owner(): string | null {
    this.accessed = true;
    return this.#owner === undefined ? (this.#arrived.origin?.record.owner ?? null) : this.#owner;
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

  /** Everything was dropped in one go, which ends a session as in Flask; taking out its last key does not. */
  get isCleared(): boolean {
    return this.#isCleared;
  }

  override clear(): void {
    super.clear();
    this.#isCleared = true;
  }

  override destroy(): void {
    super.destroy();
    this.#owner = null;
    this.#isLogin = false;
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
    return [...set.keys(), ...transactions.keys(), ...this.#keepAtLogin];
  }

  get #arrived(): Arrival {
    if (this.#arrival === undefined) throw new SessionNotLoadedError();
    return this.#arrival;
  }
}

/** Flask-Session's rule: a session that holds nothing but its own permanence is empty. */
export function isEmpty(fields: Fields): boolean {
  return fields.size === 0 || (fields.size === 1 && fields.has("_permanent"));
}
