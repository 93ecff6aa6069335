/** The page that error messages link to. */

const PAGE = "https://github.com/hipflask/hipflask/blob/main/docs/troubleshooting.md";
const HELP = / See https:\S+\/troubleshooting\.md#[a-z_]+/;
/** Errors whose messages are Python's. */
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

/** Appends the link to the documentation of an error code. */
export function withHelp(code: string, message: string): string {
  if (PYTHONS.has(code)) return message;
  const said = withoutHelp(message);
  return `${said}${/[.!?]$/.test(said) ? "" : "."} See ${PAGE}#${code.toLowerCase()}`;
}

/** Removes that link from a message. */
export function withoutHelp(message: string): string {
  return message.replace(HELP, "");
}
