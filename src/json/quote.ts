const NEEDS_NO_ESCAPE = /^[ !#-[\]-~]*$/;
const BEYOND_ASCII = /[\x7f-\uffff]/g;

/** A JSON string in ASCII, with escapes in lower case, as Python writes it by default. */
export function quoteAscii(text: string): string {
  if (NEEDS_NO_ESCAPE.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(BEYOND_ASCII, escapeUnit);
}

/** A JSON string with other characters as they are, except for lone surrogates, which UTF-8 cannot express. */
export function quoteUnicode(text: string): string {
  return JSON.stringify(text);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
