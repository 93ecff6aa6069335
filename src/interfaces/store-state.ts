import { ConfigError } from "../errors.ts";
import type { Fields } from "../json/fields.ts";
import { SessionState, type SessionStateOptions } from "../session-state.ts";
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

/** How a stored session comes to life. */
export interface StoreStateOptions extends SessionStateOptions {
  readonly request: SessionRequest;
  readonly origin?: Origin | undefined;
  /** Epoch milliseconds by this process's clock: how long a login took is measured from here. */
  readonly arrivedAt: number;
  /** Nobody can say which session is meant, so no cookie is sent, whatever happens. */
  readonly isAmbiguous?: boolean;
  /** Whether the store can keep owners as they must be kept. */
  readonly ownable: boolean;
}

/** A session whose data is in a store, during one request. */
export class StoreSessionState extends SessionState {
  readonly request: SessionRequest;
  readonly origin: Origin | undefined;
  readonly arrivedAt: number;
  readonly isAmbiguous: boolean;
  #owner: string | null;
  #isLogin = false;
  readonly #ownable: boolean;

  constructor(options: StoreStateOptions) {
    super({ ...options, isNew: options.origin === undefined });
    this.request = options.request;
    this.#ownable = options.ownable;
    this.origin = options.origin;
    this.arrivedAt = options.arrivedAt;
    this.isAmbiguous = options.isAmbiguous ?? false;
    this.#owner = options.origin?.record.owner ?? null;
  }

  override get owner(): string | null {
    this.accessed = true;
    return this.#owner;
  }

  override set owner(owner: string | null) {
    if (!this.#ownable) {
      throw new ConfigError(
        "This store cannot change a record atomically, or not list sessions by owner; use another, or allowNonAtomicStore.",
      );
    }
    // Whoever comes after somebody else starts from nothing; only a stranger's cart follows its owner's login.
    if (this.#owner !== null && owner !== this.#owner) this.destroy();
    else this.regenerate(true);
    this.#owner = owner === null ? null : String(owner);
    this.#isLogin = owner !== null;
  }

  /** The handler named the owner: the session was authenticated in this very request. */
  get isLogin(): boolean {
    return this.#isLogin;
  }

  override destroy(): void {
    super.destroy();
    this.#owner = null;
    this.#isLogin = false;
  }
}

/** Flask-Session's rule: a session that holds nothing but its own permanence is empty. */
export function isEmpty(fields: Fields): boolean {
  return fields.size === 0 || (fields.size === 1 && fields.has("_permanent"));
}
