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

/** Whether these bytes begin as Python's pickles of protocols 2 to 5 do. Loading one can run any code, so none is read. */
export function isPickle(content: Uint8Array): boolean {
  return content[0] === 0x80 && content[1] !== undefined && content[1] >= 2 && content[1] <= 5;
}
