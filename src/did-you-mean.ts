/**
 * Suggests the known word closest to a mistyped one, as the end of an error message; `""` if none is close.
 */
export function didYouMean(word: string, known: Iterable<string>): string {
  const typed = word.toLowerCase();
  let [best, least] = ["", Math.min(3, Math.ceil(word.length / 3)) + 1];
  for (const name of known) {
    const distance = distanceOf(typed, name.toLowerCase(), least);
    if (distance < least) [best, least] = [name, distance];
  }
  return best === "" ? "" : ` Did you mean "${best}"?`;
}

/** Number of letters to insert, remove, replace or transpose (optimal string alignment distance), at most `limit`. */
function distanceOf(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, at) => at)];
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let at = 1; at <= to.length; at++) {
      const isSame = from[row - 1] === to[at - 1];
      let steps = Math.min(last[at]! + 1, next[at - 1]! + 1, last[at - 1]! + (isSame ? 0 : 1));
      const isSwap = at > 1 && row > 1 && from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1];
      if (isSwap) steps = Math.min(steps, beforeLast[at - 2]! + 1);
      next.push(steps);
    }
    [beforeLast, last] = [last, next];
  }
  return Math.min(limit, last[to.length]!);
}
