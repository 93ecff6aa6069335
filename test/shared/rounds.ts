import { fullScale } from "../services/service.ts";

/** Rounds at a time: enough to keep a database busy, few enough that each race is one. */
const AT_ONCE = 8;

/** Races of the same kind, each by itself: the published number in CI, a few otherwise. */
export async function rounds(full: number, race: (round: number) => Promise<unknown>): Promise<void> {
  const count = Math.max(AT_ONCE, Math.ceil(full * fullScale));
  for (let first = 0; first < count; first += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, at) => race(first + at));
    await Promise.all(batch);
  }
}
