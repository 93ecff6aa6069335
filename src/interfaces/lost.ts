import { SessionLostError } from "../errors.ts";
import { events, type LostEvent } from "./events.ts";

/**
 * A change was dropped because its session had ended or moved on: nothing is revived, and no cookie contradicts a newer
 * one.
 *
 * @param isError the request must not seem to have worked
 * @throws SessionLostError if so
 */
export function lost(event: LostEvent, isError: boolean): void {
  events.lost(event);
  if (isError) throw new SessionLostError();
}
