import { flaskCodec } from "../codecs/flask.ts";
import { inspectCookie, type InspectedCookie } from "../codecs/inspect.ts";
import { pastedValue } from "../codecs/pasted-value.ts";
import { parseToken } from "../stores/parts/token.ts";
import { parseCommand, UsageError } from "./arguments.ts";
import { secretKeyOf, SIGNING, signingOf } from "./secret.ts";
import type { Command } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/** Signatures are checked, ages are not, so that old cookies can be inspected. */
const ANY_AGE = Number.MAX_SAFE_INTEGER;

export const inspect: Command = {
  summary: "decodes a session cookie, and verifies its signature",
  help: `Usage: hipflask inspect [COOKIE]

Shows the data and the time in a session cookie, and verifies its signature if SECRET_KEY is set. COOKIE is the value, or a
whole Cookie or Set-Cookie line; without it, or with "-", it is read from standard input, which no shell history keeps.

Options:
  --salt TEXT       default "cookie-session"
  --digest NAME     sha1 (default), sha256, sha384, sha512

Examples:
  hipflask inspect eyJ1c2VybmFtZSI6ImFkYSJ9.ZpJk4A.Y29va2ll
  pbpaste | hipflask inspect
  SECRET_KEY=… hipflask inspect - < cookie.txt

Exit code 1 if it cannot be decoded, or its signature is invalid.`,
  run,
};

async function run(args: string[], terminal: Terminal): Promise<number> {
  const { values, words } = parseCommand(args, SIGNING, 1);
  const value = pastedValue(!words[0] || words[0] === "-" ? await terminal.read() : words[0]);
  if (value === "") throw new UsageError("There is no cookie to inspect.");
  const token = parseToken(value);
  if (token !== undefined) {
    // The verifier is a secret, so it is not printed.
    terminal.print("kind        token of a stored session; the data is in the store");
    terminal.print(`selector    ${token.selector}`);
    return 0;
  }

  const cookie = inspectCookie(value);
  const secretKey = secretKeyOf(terminal);
  const verdict = secretKey === undefined ? undefined : verdictOf(value, { secretKey, ...signingOf(values) });
  terminal.print(`data        ${cookie.json ?? `cannot be read: ${cookie.problem}`}`);
  terminal.print(`signed at   ${cookie.signedAt?.toISOString() ?? "no time"}`);
  terminal.print(`compressed  ${cookie.isCompressed ? "yes" : "no"}`);
  terminal.print(
    `size        ${Buffer.byteLength(value)} bytes; a browser keeps 4096 with name and attributes`,
  );
  terminal.print(`signature   ${verdict?.text ?? "not checked: set SECRET_KEY in the environment"}`);
  return isGood(cookie) && verdict?.ok !== false ? 0 : 1;
}

function isGood({ json, signature, signedAt }: InspectedCookie): boolean {
  return json !== undefined && signature !== "" && signedAt !== undefined;
}

function verdictOf(value: string, options: Parameters<typeof flaskCodec>[0]): { ok: boolean; text: string } {
  const decoded = flaskCodec(options).decode(value, {
    now: Date.now(),
    maxAge: ANY_AGE,
    cookieName: "session",
  });
  if (decoded.ok) return { ok: true, text: "good" };
  return { ok: false, text: `refused with this SECRET_KEY: ${decoded.reason}` };
}
