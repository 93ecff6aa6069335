import { notify } from "../callbacks.ts";
import { ConfigError } from "../errors.ts";
import type { SessionRecords } from "../stores/parts/session-records.ts";

/** Called once, when the session is over: destroyed, expired, or ended by `maxPerOwner`, in any process. */
export type DestroyedListener = () => void;

const BATCH = 500;

/** @throws ConfigError unless it is a function, since nothing would be closed when the session ends */
export function checkListener(listener: unknown): void {
  if (typeof listener !== "function")
    throw new ConfigError("onDestroyed takes a function, as in onDestroyed(() => socket.close()).");
}

/**
 * Detects that sessions ended, in any process, by reading them from the store: one round trip per interval and 500 watched
 * sessions, none while nothing is watched.
 */
export class DestroyedWatch {
  readonly #records: Pick<SessionRecords, "live">;
  readonly #interval: number;
  readonly #listeners = new Map<string, Set<DestroyedListener>>();
  #timer: NodeJS.Timeout | undefined;

  /** @param interval milliseconds between two reads */
  constructor(records: Pick<SessionRecords, "live">, interval = 500) {
    this.#records = records;
    this.#interval = interval;
  }

  /** @returns stops watching */
  watch(selector: string, listener: DestroyedListener): () => void {
    const listeners = this.#listeners.get(selector) ?? new Set();
    this.#listeners.set(selector, listeners.add(listener));
    this.#schedule();
    return () => {
      listeners.delete(listener);
      // A second call must not remove later listeners of the same session.
      const isLast = listeners.size === 0 && this.#listeners.get(selector) === listeners;
      if (isLast) this.#listeners.delete(selector);
    };
  }

  /** Checks now. If the store fails, no listener is called. */
  async check(): Promise<void> {
    const watched = [...this.#listeners.keys()];
    for (let at = 0; at < watched.length; at += BATCH) {
      const asked = watched.slice(at, at + BATCH);
      const live = new Set(await this.#records.live(asked));
      for (const selector of asked) if (!live.has(selector)) this.#tell(selector);
    }
  }

  /** Stops checking and removes every listener. */
  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #tell(selector: string): void {
    const listeners = this.#listeners.get(selector) ?? [];
    this.#listeners.delete(selector);
    // One that fails keeps no other from closing a socket.
    for (const listener of listeners) void notify(listener);
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(async () => {
      await this.check().catch(() => {});
      this.#timer = undefined;
      if (this.#listeners.size > 0) this.#schedule();
    }, this.#interval);
    // On workers a timer is a number, and does not keep the process running.
    this.#timer.unref?.();
  }
}
