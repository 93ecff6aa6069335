/**
 * Extracts the value of a cookie from pasted text: the value alone, `name=value`, or a whole `Cookie` or `Set-Cookie` line.
 *
 * @param name the cookie to look for if there are several; default: the first
 */
export function pastedValue(text: string, name?: string): string {
  const pairs = text
    .trim()
    .replace(/^(set-)?cookie:\s*/i, "")
    .split(";");
  const pair = pairs.find((pair) => name !== undefined && pair.trim().startsWith(`${name}=`)) ?? pairs[0]!;
  const value = pair.slice(pair.indexOf("=") + 1).trim();
  return value.replace(/^"(.*)"$/, "$1");
}
