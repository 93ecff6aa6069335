import { readFileSync } from "node:fs";
import { HipflaskError } from "../errors.ts";
import { withoutHelp } from "../help.ts";
import { didYouMean } from "../did-you-mean.ts";
import { UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { init } from "./init.ts";
import { inspect } from "./inspect.ts";
import { keygen } from "./keygen.ts";
import { schema } from "./schema.ts";
import { sessions } from "./sessions.ts";
import { sign } from "./sign.ts";
import type { Terminal } from "./terminal.ts";

/** Every command, in the order of the list. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  init,
  doctor,
  demo,
  keygen,
  inspect,
  sign,
  sessions,
  schema,
};

const HELP = `Usage: hipflask <command>

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join("\n")}

hipflask <command> --help describes a command.
Secrets and store URLs are read from the environment, or from a file .env in this folder.
Exit code: 0 success, 1 failure, 2 invalid arguments.`;

/**
 * Runs a command line, without the program's name.
 *
 * @returns the exit code
 */
export async function main(args: string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version" || name === "-v") return told(version(), terminal);
  if (name === "--help" || name === "-h") return told(HELP, terminal);
  if (name === "help") return helpOf(rest[0], terminal);
  if (name === undefined || !Object.hasOwn(COMMANDS, name)) {
    terminal.complain(name === undefined ? HELP : unknown(name));
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) return helpOf(name, terminal);
  try {
    return await COMMANDS[name]!.run(rest, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.complain(`${withoutHelp(error.message)} See: hipflask ${name} --help`);
      return 2;
    }
    // Only this library's messages are known to contain no secret.
    terminal.complain(
      error instanceof HipflaskError ? withoutHelp(error.message) : `${name} failed: ${nameOf(error)}`,
    );
    return 1;
  }
}

function helpOf(name: string | undefined, terminal: Terminal): number {
  if (name === undefined) return told(HELP, terminal);
  if (Object.hasOwn(COMMANDS, name)) return told(COMMANDS[name]!.help, terminal);
  terminal.complain(unknown(name));
  return 2;
}

/** The message omits the word, which may be a secret. */
function unknown(name: string): string {
  return `There is no such command.${didYouMean(name, Object.keys(COMMANDS))} See: hipflask --help`;
}

function told(text: string, { print }: Terminal): number {
  print(text);
  return 0;
}

function version(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

function nameOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === "string" ? code : String(name);
}
