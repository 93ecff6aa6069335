/** How long a `destroyAll` is remembered, in milliseconds: no login takes longer than a day. */
export const MARK_LIFETIME = 24 * 3600 * 1000;

const NONE: ReadonlySet<string> = new Set();

/** Who owns which sessions in this process, and when each owner last ended all of them. */
export class OwnerIndex {
  readonly #sessions = new Map<string, Set<string>>();
  /** Oldest mark first. */
  readonly #marks = new Map<string, number>();

  sessionsOf(owner: string): ReadonlySet<string> {
    return this.#sessions.get(owner) ?? NONE;
  }

  move(selector: string, from: string | null, to: string | null): void {
    if (from === to) return;
    if (from !== null) {
      const sessions = this.#sessions.get(from);
      sessions?.delete(selector);
      if (sessions?.size === 0) this.#sessions.delete(from);
    }
    if (to !== null) {
      const sessions = this.#sessions.get(to);
      if (sessions) sessions.add(selector);
      else this.#sessions.set(to, new Set([selector]));
    }
  }

  /** The last `destroyAll` of an owner; -Infinity if there was none. */
  markOf(owner: string): number {
    return this.#marks.get(owner) ?? -Infinity;
  }

  mark(owner: string, now: number): void {
    this.#marks.delete(owner);
    this.#marks.set(owner, now);
  }

  forgetMarks(now: number): void {
    for (const [owner, mark] of this.#marks) {
      if (mark > now - MARK_LIFETIME) return;
      this.#marks.delete(owner);
    }
  }
}
