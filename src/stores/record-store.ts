/**
 * Records as another program keeps them: one content, text or bytes, under one key that the browser holds.
 *
 * Such a program writes whole records, so a change of one field is a comparison with the whole record that was read:
 * whoever was faster, the caller learns of it and applies its change to what is there now. As in `SessionStore` no verb
 * is an upsert, each is one atomic step, and a record that is gone stays gone.
 *
 * Every verb rejects with a `StoreError` when the engine cannot be asked.
 */
export interface RecordStore<Content> {
  /** The content, or null where there is no live record. */
  read(key: string): Promise<Content | null>;

  /** Adds a record; `taken` if there is one of that key already, which stays as it is. */
  insert(key: string, record: NewRecord<Content>): Promise<"ok" | "taken">;

  /**
   * Puts `next` in the place of a live record that holds `expected`, under its new key if it names one: then the old key
   * is dead in the same step.
   */
  replace(key: string, expected: Content, next: NextRecord<Content>): Promise<Replaced<Content>>;

  /** Lets a live record last `lifetime` seconds from now. */
  touch(key: string, lifetime: number): Promise<"ok" | "gone">;

  /** Removes a live record if it still holds `expected`. */
  discard(key: string, expected: Content): Promise<Replaced<Content>>;

  /** Removes a record, whatever it holds. */
  remove(key: string): Promise<"ok" | "gone">;

  /** Lets go of what the store opened itself. A client that was passed in stays open: it is yours. */
  close?(): Promise<void>;
}

/** A record to be stored. */
export interface NewRecord<Content> {
  readonly content: Content;
  /** Seconds from now. */
  readonly lifetime: number;
}

/** What takes the place of a record. */
export interface NextRecord<Content> extends NewRecord<Content> {
  /** The key it moves to. Default: it stays. */
  readonly key?: string | undefined;
}

/** What became of a replacement: done, nothing to replace, another content there, or another record under the new key. */
export type Replaced<Content> =
  | { readonly status: "ok" | "gone" | "taken" }
  | { readonly status: "conflict"; readonly content: Content };
