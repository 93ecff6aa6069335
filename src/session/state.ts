import { ConfigError, NoSecretKeyError, SessionClosedError, UnserializableError } from "../errors.ts";
import { VERSION } from "../copies.ts";
import { EMPTY_FIELDS, type Fields } from "../json/fields.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { isTruthy } from "../json/values.ts";
import {
  type Checkpoint,
  type IdentityChange,
  forget,
  onTexts,
  type Opened,
  type SessionChanges,
  type SessionStateOptions,
  type Transactions,
} from "./changes.ts";

const DEFAULT_JSON = new TaggedJSONSerializer();
/** Key of a session's state, the same in all copies of one version of this package. */
export const STATE = Symbol.for(`hipflask.state ${VERSION}`);
/** The method that `console.log` calls. */
export const INSPECT = Symbol.for("nodejs.util.inspect.custom");
const PERMANENT = "_permanent";
const NOT_A_KEY =
  'A key of the session must be a string, as in session.set("username", value); for several keys write session.update({ … }).';
/** The key of Flask-WTF's CSRF secret. */
export const CSRF_TOKEN = "csrf_token";
/** Shared empty maps: most requests read at most one key, and an empty map is as large as the rest of a state. */
const NO_VALUES = new Map<string, unknown>();
const NO_TRANSACTIONS: Transactions = new Map();
const NO_CHANGES: SessionChanges = {
  set: EMPTY_FIELDS,
  unset: [],
  keep: undefined,
  transactions: new Map(),
};

/**
 * The data and the flags of one session during one request, without the proxy. Values are parsed when they are first read
 * and serialized only if they changed, so the JSON text of other keys stays the same.
 */
export class SessionState {
  accessed = false;
  identity: IdentityChange = "kept";
  /** The session ended in this request, even if a new one has begun since. */
  wasDestroyed = false;
  /** Seconds for which this response keeps the cookie of a permanent session, if not for the whole lifetime. */
  maxAge: number | undefined = undefined;
  readonly isNull: boolean;
  readonly #isNew: boolean;
  readonly json: TaggedJSONSerializer;
  readonly #trackNested: boolean;
  readonly #open: (() => Opened) | undefined;
  #opened: Opened | undefined;
  /** Current fields; until the first write, the same map as the opened ones. */
  #texts: Fields | Map<string, string> = EMPTY_FIELDS;
  /** Values read or stored in this request, by key. */
  #values = NO_VALUES;
  #transactions = NO_TRANSACTIONS;
  #keep: readonly string[] | undefined;
  #modified = false;
  /** Number of writes. */
  #edits = 0;
  #refusal: (() => Error) | undefined;

  constructor(options: SessionStateOptions = {}) {
    this.#open = options.open;
    this.json = options.json ?? DEFAULT_JSON;
    this.#trackNested = options.trackNested ?? true;
    this.isNull = options.isNull ?? false;
    this.#isNew = options.isNew ?? false;
  }

  /** From now on, every write throws `refusal()`: a `SessionClosedError` after the headers were sent. */
  close(refusal: () => Error = () => new SessionClosedError()): void {
    this.#refusal = refusal;
  }

  get isClosed(): boolean {
    return this.#refusal !== undefined;
  }

  /** @throws the error of {@link close}, once the session is closed */
  protected assertOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal();
  }

  /** This request started the session. */
  get isNew(): boolean {
    return this.#isNew;
  }

  get modified(): boolean {
    return this.#modified;
  }

  set modified(value: boolean) {
    this.assertOpen();
    this.#modified = Boolean(value);
    this.#edits++;
  }

  /** Whether it has been accessed yet. */
  get isOpened(): boolean {
    return this.#opened !== undefined;
  }

  /** The fields with which the session was opened; opens it. */
  get opened(): Opened {
    if (this.#opened === undefined) {
      this.#opened = this.#open?.() ?? { fields: EMPTY_FIELDS };
      this.#texts = this.#opened.fields;
    }
    return this.#opened;
  }

  get size(): number {
    return this.#read().size;
  }

  /** The truth value of `_permanent`, by Python's rules. */
  get permanent(): boolean {
    return isTruthy(this.get(PERMANENT));
  }

  set permanent(value: boolean) {
    this.set(PERMANENT, Boolean(value));
  }

  /** The same for the library's own code: it does not set {@link accessed}. */
  get isPermanent(): boolean {
    const value = this.peek(PERMANENT);
    return value === true || (value !== undefined && isTruthy(value));
  }

  /** {@link owner} for the library's own code: it does not set {@link accessed}. */
  get ownerNow(): string | null {
    return null;
  }

  /** The owner of the session; only stores keep owners. */
  get owner(): string | null {
    return null;
  }

  set owner(_: string | null) {
    throw new ConfigError("session.owner needs sessions on a server: pass a `store` to `sessions({ … })`.");
  }

  /** Loads a lazy session from its store; `undefined` if there is nothing to load. */
  load(): Promise<void> | undefined {
    return undefined;
  }

  /**
   * Removes a key at once, so that only one of several requests gets the value. Only a store can guarantee that; a cookie
   * can be sent twice.
   */
  consume(key: string): unknown {
    const value = this.get(key);
    return this.delete(key) ? value : undefined;
  }

  /** The public identifier of a session in a store, even before it is stored; `undefined` for a cookie session. */
  get selector(): string | undefined {
    return undefined;
  }

  /** Whether it is already stored under its {@link selector}. */
  get isStored(): boolean {
    return false;
  }

  /** Milliseconds since the owner logged in; null without a login, `undefined` if owners are not supported. */
  get loginAge(): number | null | undefined {
    return undefined;
  }

  /**
   * Called when this request has ended sessions; `all`: every session of an owner, with the time by the store's clock.
   */
  noteEnded(
    _selectors: readonly string[],
    _all?: { readonly owner: string; readonly revokedAt: number },
  ): void {}

  has(key: string): boolean {
    return this.#read().has(key);
  }

  get(key: string): unknown {
    const text = this.#read().get(key);
    if (text === undefined) return undefined;
    if (this.#values.has(key)) return this.#values.get(key);
    const value = this.json.loads(text);
    this.#remember(key, value);
    return value;
  }

  /** The value for the library's own code: it does not set {@link accessed}. */
  peek(key: string): unknown {
    const { accessed } = this;
    try {
      return this.get(key);
    } finally {
      this.accessed = accessed;
    }
  }

  keys(): IterableIterator<string> {
    return this.#read().keys();
  }

  /**
   * `undefined` removes the key: JSON cannot represent it, and existing code removes keys this way.
   *
   * @throws UnserializableError at once, so that the error points at the line that stored the value
   */
  set(key: string, value: unknown): void {
    if (typeof key !== "string") throw new UnserializableError(NOT_A_KEY);
    if (value === undefined) return void this.delete(key);
    const texts = this.#write();
    texts.set(key, this.json.dumps(value, key));
    this.#remember(key, value);
    this.#transactions.delete(key);
    this.modified = true;
  }

  /** Replaces a value by a function of it, and keeps the function, so that a store can repeat it on a newer value. */
  transact(key: string, change: (value: unknown) => unknown): void {
    const isUnchanged = this.#write().get(key) === this.#before(key);
    const earlier = this.#transactions.get(key) ?? [];
    this.set(key, change(this.get(key)));
    if (!isUnchanged && earlier.length === 0) return;
    if (this.#transactions === NO_TRANSACTIONS) this.#transactions = new Map();
    this.#transactions.set(key, [...earlier, change]);
  }

  /** @returns whether the key existed; only then is the session modified. */
  delete(key: string): boolean {
    const texts = this.#write();
    const isThere = texts.delete(key);
    this.#values.delete(key);
    this.#transactions.delete(key);
    if (isThere) this.modified = true;
    return isThere;
  }

  /** Removes all keys and marks the session as modified even if it was empty, as in Flask. */
  clear(): void {
    this.#empty();
  }

  /** Replaces the whole content by serialized fields. */
  adopt(fields: Fields): void {
    this.#empty();
    this.#texts = new Map(fields);
  }

  /**
   * Drops all data except the keys to keep (`true`: all of them) and requests a new identity. CSRF tokens belong to the
   * previous identity, so their secret is dropped unless it is named.
   */
  regenerate(keep: readonly string[] | true): void {
    const texts = this.#write();
    if (keep === true) this.delete(CSRF_TOKEN);
    if (keep !== true) {
      for (const key of texts.keys()) if (!keep.includes(key)) this.delete(key);
      this.#keep = [...texts.keys()];
    }
    this.modified = true;
    if (this.identity === "kept") this.identity = "regenerated";
  }

  /** Ends the session. Later writes begin a new one. */
  destroy(): void {
    this.#empty();
    this.identity = "destroyed";
    this.wasDestroyed = true;
  }

  /** Marks the session as modified without a change, like `update()` without pairs. */
  touch(): void {
    this.#write();
    this.modified = true;
  }

  /** The data as it is now, nested changes included. @throws UnserializableError for a nested value that cannot be stored. */
  fields(): Fields {
    void this.opened;
    const changedInPlace = this.#settle();
    if (changedInPlace && this.#trackNested) this.modified = true;
    if (this.maxAge !== undefined && this.#texts.size > 0 && !this.#texts.has(PERMANENT))
      this.permanent = true;
    return this.#texts;
  }

  /** The difference between {@link fields} and the opened fields. */
  changes(): SessionChanges {
    const now = this.fields();
    const before = this.opened.fields;
    if (now === before && this.#keep === undefined && this.#transactions.size === 0) return NO_CHANGES;
    const transactions =
      this.#transactions.size === 0 ? NO_CHANGES.transactions : onTexts(this.#transactions, this.json);
    const set = new Map<string, string>();
    for (const [key, text] of now) {
      if (this.#before(key) !== text && !transactions.has(key)) set.set(key, text);
    }
    const unset: string[] = [];
    for (const key of before.keys()) if (!now.has(key) && !transactions.has(key)) unset.push(key);
    return { set, unset, keep: this.#keep, transactions };
  }

  /** The changes to store now; call {@link acknowledge} after storing them. */
  checkpoint(): Checkpoint {
    const changes = this.changes();
    return {
      fields: this.#texts === this.opened.fields ? this.#texts : new Map(this.#texts),
      changes,
      transactions: this.#transactions.size === 0 ? NO_TRANSACTIONS : new Map(this.#transactions),
      edits: this.#edits,
    };
  }

  /**
   * Marks a checkpoint as stored: only later changes count as changes from now on.
   *
   * @param fields the stored fields, as far as this request knows. Default: the checkpoint's
   */
  acknowledge({ fields: all, changes, transactions, edits }: Checkpoint, fields: Fields = all): void {
    if (this.#texts === this.opened.fields) this.#texts = fields;
    this.#opened = { ...this.opened, fields };
    if (this.#keep === changes.keep) this.#keep = undefined;
    forget(this.#transactions, transactions);
    if (this.#edits === edits) this.#modified = false;
  }

  /** Updates the stored fields after a change without a commit. */
  protected rebase(fields: Fields): void {
    this.#opened = { ...this.opened, fields };
  }

  /** Restarts from fields that were read again; changes that were not stored are dropped. */
  reset(opened: Opened, _from?: SessionState): void {
    this.accessed = true;
    this.#opened = opened;
    this.#texts = opened.fields;
    [this.#values, this.#transactions] = [NO_VALUES, NO_TRANSACTIONS];
    this.#keep = undefined;
    this.#modified = false;
    this.identity = "kept";
    this.wasDestroyed = false;
  }

  /** Shows keys, never values, since logs have more readers. Does not set {@link accessed}. */
  describe(): string {
    const names = [...this.#texts.keys()].map((key) => JSON.stringify(key));
    return this.isOpened ? `Session { ${names.join(", ")} }` : "Session { not opened }";
  }

  /** The state itself, as on a session. */
  get [STATE](): SessionState {
    return this;
  }

  /** Node calls this on the proxy, so it reads the state first. */
  [INSPECT](): string {
    return this[STATE].describe();
  }

  #empty(): void {
    this.#write().clear();
    this.#values.clear();
    this.#transactions.clear();
    this.modified = true;
  }

  #read(): Fields {
    this.accessed = true;
    if (this.#opened === undefined) return this.opened.fields;
    return this.#texts;
  }

  #write(): Map<string, string> {
    this.#read();
    if (this.isNull) throw new NoSecretKeyError();
    this.assertOpen();
    if (this.#texts === this.#opened?.fields) this.#texts = new Map(this.#texts);
    return this.#texts as Map<string, string>;
  }

  /** The stored JSON text of a key, unless it was dropped. */
  #before(key: string): string | undefined {
    const isDropped = this.#keep !== undefined && !this.#keep.includes(key);
    return isDropped ? undefined : this.opened.fields.get(key);
  }

  #remember(key: string, value: unknown): void {
    if (this.#values === NO_VALUES) this.#values = new Map();
    this.#values.set(key, value);
  }

  /** Serializes values that were changed in place. @returns whether there were any. */
  #settle(): boolean {
    let changed = false;
    for (const [key, value] of this.#values) {
      if (typeof value !== "object" || value === null) continue;
      const before = this.#texts.get(key)!;
      const now = this.json.dumps(value, key);
      // Another program may write the same value with other spaces or key order.
      if (now === before || now === this.json.dumps(this.json.loads(before))) continue;
      this.#write().set(key, now);
      changed = true;
    }
    return changed;
  }
}
