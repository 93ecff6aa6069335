import type { SessionRecord } from "../../stores/verbs.ts";
import type { Token } from "../../stores/token.ts";

/** The record a session was opened from, or was stored in since. */
export interface Origin {
  readonly record: Pick<
    SessionRecord,
    "selector" | "fields" | "owner" | "authenticatedAt" | "rotatedAt" | "lastSeenAt"
  >;
  /** The token that is good now: the one presented, its successor if the client missed a rotation, or a new one. */
  readonly token: Token;
  /** The client does not have that token yet, or needs its cookie again. */
  readonly isMissed: boolean;
  /** The store's clock at the read, epoch milliseconds. */
  readonly now: number;
  /** Messages taken out of the record for this request alone, as JSON text. */
  readonly flashes: string | undefined;
}

/** What the tokens of a request led to. */
export interface Arrival {
  readonly origin?: Origin | undefined;
  /** Nobody can say which session is meant, so no cookie is sent, whatever happens. */
  readonly isAmbiguous?: boolean;
}

/** @param text the messages that this request holds */
export function withFlashes(origin: Origin, text: string | undefined): Origin {
  const fields = new Map(origin.record.fields);
  fields.delete("_flashes");
  if (text !== undefined) fields.set("_flashes", text);
  return { ...origin, record: { ...origin.record, fields }, flashes: text };
}
