const NEEDS_NO_ESCAPE = /^[ !#-[\]-~]*$/;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** A JSON string in ASCII, with escapes in lower case, as Python writes it by default. */
export function quoteAscii(text: string): string {
  return NEEDS_NO_ESCAPE.test(text) ? `"${text}"` : escapeBeyondAscii(JSON.stringify(text));
}

/** A JSON string with other characters as they are, except for lone surrogates, which UTF-8 cannot express. */
export function quoteUnicode(text: string): string {
  return JSON.stringify(text);
}

function escapeBeyondAscii(json: string): string {
  let escaped = "";
  let written = 0;
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit < 0x7f) continue;
    escaped += `${json.slice(written, at)}\\u${HEX[unit >> 8]}${HEX[unit & 0xff]}`;
    written = at + 1;
  }
  return escaped + json.slice(written);
}
