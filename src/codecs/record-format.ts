import type { Fields } from "../json/fields.ts";
import type { Decoded } from "./codec.ts";

/** A decoded record. */
export type DecodedRecord = Decoded & {
  /** The original fields, if their strings alone cannot restore them. */
  readonly raw?: ReadonlyMap<string, Uint8Array>;
};

/** Another program's record format: encodes session data as the content of a record and decodes it. */
export interface RecordFormat<Content> {
  /** Never throws and never hangs, for any content. */
  decode(content: Content): DecodedRecord;
  /**
   * @param before the record from which the fields come: unchanged ones are written back as they were
   * @throws UnserializableError for values that the format cannot encode
   */
  encode(fields: Fields, before: DecodedRecord | undefined): Content;
}

/** Whether bytes begin like a Python pickle of protocol 2 to 5. Loading one can run any code, so none is decoded. */
export function isPickle(content: Uint8Array): boolean {
  return content[0] === 0x80 && content[1] !== undefined && content[1] >= 2 && content[1] <= 5;
}
