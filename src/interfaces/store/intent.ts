import type { Fields } from "../../json/fields.ts";
import type { Fate, SessionChanges } from "../../session/changes.ts";
import type { Token } from "../../stores/token.ts";
import type { SessionRequest } from "../session-interface.ts";
import type { Origin } from "./origin.ts";

/** Everything a commit depends on, as of the moment it began. */
export interface Intent {
  readonly origin: Origin | undefined;
  /** What a session without an origin is to be stored under. */
  readonly newToken: () => Token;
  readonly fate: Fate;
  /** Everything was dropped in one go, which ends a session as in Flask; taking out its last key does not. */
  readonly isCleared: boolean;
  /** The handler named the owner: the session was authenticated in this very request. */
  readonly isLogin: boolean;
  readonly owner: string | null;
  readonly request: SessionRequest;
  /** Epoch milliseconds by this process's clock. */
  readonly arrivedAt: number;
  readonly permanent: boolean;
  /** The cookie must be sent for the sake of its expiry. */
  readonly isCookieDue: boolean;
  /** The client holds a cookie of a session that has ended. */
  readonly hasDeadCookie: boolean;
  readonly fields: Fields;
  readonly changes: SessionChanges;
  /** One-time messages to put into the store, as JSON text. */
  readonly flashes: string | undefined;
  /** The session is ended, whatever becomes of the rest. */
  ended(): void;
  /** The commit is done. */
  stored(committed: Committed): void;
  /** It is not, and everything in it is still to be done. */
  failed(error: unknown): void;
}

/** What the cookie must become: this token, nothing, or what it is. */
export type CookieFate = Token | "delete" | "keep";

/** What came of a commit. */
export interface Committed {
  readonly cookie: CookieFate;
  /** Where the session is stored now. */
  readonly origin: Origin | undefined;
}
