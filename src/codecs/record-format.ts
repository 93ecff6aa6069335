import type { Fields } from "../json/fields.ts";
import type { Decoded } from "./codec.ts";

/** A record as it was read. */
export type DecodedRecord = Decoded & {
  /** The fields as they stood in the record, where texts alone cannot bring them back. */
  readonly raw?: ReadonlyMap<string, Uint8Array>;
};

/** How another program writes a whole record: session data ⇄ the content of the record. */
export interface RecordFormat<Content> {
  /** Never throws and never hangs, whatever the content. */
  decode(content: Content): DecodedRecord;
  /**
   * @param before the record these fields come from: what was not changed is written as it stood there
   * @throws UnserializableError for values the format has no place for
   */
  encode(fields: Fields, before: DecodedRecord | undefined): Content;
}
