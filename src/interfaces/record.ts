import type { RecordFormat } from "../codecs/record-format.ts";
import { events } from "./events.ts";
import { EMPTY_FIELDS, type Fields } from "../json/fields.ts";
import type { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { sessionOf, type Session } from "../session/session.ts";
import { CommitLoop } from "../stores/parts/commit.ts";
import { StoreCalls } from "../stores/parts/store-calls.ts";
import type { Store } from "../stores/parts/store.ts";
import { CookieSessionInterface, type CookieConfig } from "./cookie-interface.ts";
import {
  commitRecord,
  labelOf,
  sharedFormat,
  type RecordAction,
  type RecordResult,
} from "./record/commit.ts";
import { RecordSessionState, type RecordStateOptions, type SharedRecord } from "./record/state.ts";
import type { SessionRequest } from "./session-interface.ts";

/** Configuration of sessions in records that are shared with another program, beside that of the cookie. */
export interface RecordConfig<Content> extends CookieConfig {
  readonly store: Store<Content>;
  readonly format: RecordFormat<Content>;
  readonly json: TaggedJSONSerializer;
  readonly trackNested: boolean;
  readonly lostWrites: "drop" | "throw";
  /** Timeout of each operation of the store, in seconds. */
  readonly storeTimeout: number;
}

/** The key in a request's cookie, or why the cookie is invalid; `undefined` without a cookie. */
export type PresentedKey = { readonly key: string } | "malformed" | "bad_signature" | "unknown" | undefined;

/**
 * Base class for sessions whose records another program also reads and writes, under a key in the cookie: Django's table
 * and Flask-Session's Redis. Subclasses parse and write the cookie, and make the same decisions as the other program.
 */
export abstract class RecordSessionInterface<
  Content,
  Config extends RecordConfig<Content> = RecordConfig<Content>,
> extends CookieSessionInterface<Config> {
  readonly #loop: CommitLoop<Content, SharedRecord<Content>>;

  constructor(config: Config) {
    super(config);
    const { store, format, storeTimeout: seconds } = config;
    const calls = new StoreCalls(store, {
      seconds,
      onFailure: (verb, { reason }) => events.storeFailed({ verb, reason }),
    });
    this.#loop = new CommitLoop(calls, sharedFormat(format));
  }

  /** Reads the record once if the cookie has a key; without one, the store is not called. */
  openSession(request: SessionRequest): Session | Promise<Session> {
    const presented = this.presentedKey(request);
    if (typeof presented === "object") return this.#open(presented.key);
    if (presented !== undefined) this.refused(presented);
    return this.#sessionOf({ presented: presented ?? "nothing" });
  }

  async close(): Promise<void> {
    await this.config.store.close?.();
  }

  /** The key in the request's cookie. */
  protected abstract presentedKey(request: SessionRequest): PresentedKey;
  /** A new key from the platform's CSPRNG. */
  protected abstract newKey(): string;
  /** Seconds until a record with these fields expires. */
  protected abstract lifetimeOf(fields: Fields): number;

  /** Whether the record is removed instead of written when these are its fields. */
  protected isRemovedWith(_fields: Fields): boolean {
    return false;
  }

  /** The fields of a session that has no record yet. */
  protected initialFields(): Fields {
    return EMPTY_FIELDS;
  }

  protected newState(options: RecordStateOptions<Content>): RecordSessionState<Content> {
    return new RecordSessionState(options);
  }

  /** @see commitRecord */
  protected commit(
    state: RecordSessionState<Content>,
    action: RecordAction,
    isFailure: boolean,
  ): Promise<RecordResult> {
    const { json, lostWrites } = this.config;
    return commitRecord(state, action, isFailure, {
      loop: this.#loop,
      json,
      lostWrites,
      newKey: () => this.newKey(),
      lifetimeOf: (fields) => this.lifetimeOf(fields),
      isRemovedWith: (fields) => this.isRemovedWith(fields),
    });
  }

  async #open(key: string): Promise<Session> {
    const known = await this.#loop.read(key);
    if (typeof known === "string") {
      this.refused("unknown");
      return this.#sessionOf({ presented: "unknown" });
    }
    const { decoded } = known.entry;
    if (!decoded.ok) {
      this.refused(decoded.reason);
      return this.#sessionOf({ presented: "undecodable" });
    }
    const cookieName = this.getCookieName();
    events.opened({ cookieName, keys: decoded.fields.size, selector: labelOf(key) });
    return this.#sessionOf({ presented: "live", origin: { key, known } });
  }

  #sessionOf(options: Omit<RecordStateOptions<Content>, "open">): Session {
    const { json, trackNested } = this.config;
    const decoded = options.origin?.known.entry.decoded;
    const fields = decoded?.ok ? decoded.fields : this.initialFields();
    return sessionOf(this.newState({ ...options, json, trackNested, open: () => ({ fields }) }));
  }
}
