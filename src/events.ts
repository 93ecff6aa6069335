import { channel, type Channel } from "node:diagnostics_channel";
import type { RefusalReason } from "./codecs/codec.ts";
import type { Outcome } from "./decide.ts";

/** Message of the channel `hipflask:opened`: a cookie was verified and holds a session. */
export interface OpenedEvent {
  readonly cookieName: string;
  /** Number of top-level keys. */
  readonly keys: number;
}

/** Message of the channel `hipflask:refused`: a cookie came in and is not a session. */
export interface RefusedEvent {
  readonly cookieName: string;
  readonly reason: RefusalReason;
}

/** Message of the channel `hipflask:saved`: a response sets or deletes the session cookie. */
export interface SavedEvent {
  readonly outcome: Exclude<Outcome, "nothing">;
  readonly cookieName: string;
}

/**
 * What happens to sessions, on `node:diagnostics_channel`. Messages name cookies, counts and reasons and never hold a
 * secret, a cookie or session data. Costs nothing while nobody listens.
 */
export const events = {
  opened: publisher<OpenedEvent>("hipflask:opened"),
  refused: publisher<RefusedEvent>("hipflask:refused"),
  saved: publisher<SavedEvent>("hipflask:saved"),
};

function publisher<Event>(name: string): (event: Event) => void {
  const target: Channel = channel(name);
  return (event) => {
    if (target.hasSubscribers) target.publish(event);
  };
}
