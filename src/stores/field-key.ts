/**
 * Field keys in a spelling that every engine keeps and that needs no quoting in any query language: letters, digits,
 * `_`, `-` and `.` stand for themselves, every other UTF-16 unit is `%` and four hex digits, and nothing is `%`.
 */
export function escapeKey(key: string): string {
  if (key === "") return "%";
  return /[^\w.-]/.test(key) ? key.replaceAll(/[^\w.-]/g, escapeUnit) : key;
}

/** @see escapeKey */
export function unescapeKey(escaped: string): string {
  if (!escaped.includes("%")) return escaped;
  return escaped === "%" ? "" : escaped.replaceAll(/%([0-9a-f]{4})/g, unescapeUnit);
}

function escapeUnit(unit: string): string {
  return `%${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function unescapeUnit(_: string, hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}
