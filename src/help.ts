/** Where the messages of errors lead to. */

const PAGE = "https://github.com/hipflask/hipflask/blob/main/docs/troubleshooting.md";
const HELP = / See https:\S+\/troubleshooting\.md#[a-z_]+/;
/** Their messages are Python's, word for word. */
const PYTHONS: ReadonlySet<string> = new Set([
  "BAD_DATA",
  "BAD_SIGNATURE",
  "BAD_TIME_SIGNATURE",
  "SIGNATURE_EXPIRED",
  "BAD_HEADER",
  "BAD_PAYLOAD",
  "BAD_SHAPE",
  "CSRF",
]);

/** A message with the address of the paragraph about errors of this code. */
export function withHelp(code: string, message: string): string {
  if (PYTHONS.has(code)) return message;
  const said = withoutHelp(message);
  return `${said}${/[.!?]$/.test(said) ? "" : "."} See ${PAGE}#${code.toLowerCase()}`;
}

/** A message without that address, for where it would only be in the way. */
export function withoutHelp(message: string): string {
  return message.replace(HELP, "");
}
