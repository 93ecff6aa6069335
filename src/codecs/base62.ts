const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Whole seconds as Django writes them: its `b62_encode`. */
export function encodeBase62(seconds: number): string {
  let rest = Math.abs(seconds);
  let text = "";
  do {
    text = DIGITS[rest % 62]! + text;
    rest = Math.floor(rest / 62);
  } while (rest > 0);
  return seconds < 0 ? `-${text}` : text;
}

/** The seconds a text stands for, `undefined` if none: Django's `b62_decode`, with its oddity that a lone "-" is 0. */
export function decodeBase62(text: string): number | undefined {
  if (!/^(?:-[0-9A-Za-z]*|[0-9A-Za-z]+)$/.test(text)) return undefined;
  const negative = text.startsWith("-");
  let seconds = 0;
  for (const digit of negative ? text.slice(1) : text) seconds = seconds * 62 + DIGITS.indexOf(digit);
  return negative ? -seconds : seconds;
}
