import type { Fields } from "../../json/fields.ts";
import type { SessionRecord } from "../../stores/parts/record.ts";
import type { KnownSession } from "../../stores/parts/session-records.ts";
import { judge, type Token } from "../../stores/parts/token.ts";
import { withMessages } from "../messages.ts";
import type { StoreConfig } from "./config.ts";

/** The record a session was opened from, or was stored in since. */
export interface Origin {
  /** As it is stored, as far as this request knows. */
  readonly known: KnownSession;
  /** The token that is good now: the one presented, its successor if the client missed a rotation, or a new one. */
  readonly token: Token;
  /** The client does not have that token yet, or needs its cookie again. */
  readonly needsCookie: boolean;
  /** Messages taken out of the record for this request alone, as JSON text. */
  readonly messages: string | undefined;
  /** The session may be shown without having taken its messages: it will not be saved. */
  readonly isReadOnly: boolean;
}

/** What the tokens of a request led to. */
export interface Opened {
  readonly origin?: Origin | undefined;
  /** Two sessions came in, so it cannot be told which one is meant, and no cookie is sent whatever happens. */
  readonly isAmbiguous?: boolean;
}

/** What the session of a request shows at first. */
export function fieldsOf({ known, messages, isReadOnly }: Origin): Fields {
  return isReadOnly ? known.entry.fields : withMessages(known.entry.fields, messages);
}

/**
 * The token that is good for the record now, for a request that was let in with `token`: a periodic rotation meanwhile ends no
 * request, whatever its grace. `undefined` if the session moved on to another identity, by a login or `regenerate`.
 */
export function tokenNow(
  record: SessionRecord,
  token: Token,
  now: number,
  { rotationKey }: Pick<StoreConfig, "rotationKey">,
  mostRotations?: number,
): Token | undefined {
  const judged = judge(record, token, now, rotationKey, mostRotations);
  if (judged.rotations !== undefined) return judged.token;
  return judged.status === "previous" ? token : undefined;
}

export function secondsSince(moment: number, now: number): number {
  return (now - moment) / 1000;
}
