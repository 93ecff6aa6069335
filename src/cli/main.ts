import { readFileSync } from "node:fs";
import { HipflaskError } from "../errors.ts";
import { UsageError } from "./arguments.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { inspect } from "./inspect.ts";
import { keygen } from "./keygen.ts";
import { schema } from "./schema.ts";
import { sessions } from "./sessions.ts";
import { sign } from "./sign.ts";
import type { Terminal } from "./terminal.ts";

const HELP = `Usage: hipflask <command>

  demo                   a small app with the inspector beside it, on this machine alone
                         --port N (default 5000), --store URL
  inspect <cookie>       take a session cookie apart; checks the signature if SECRET_KEY is set
  sign <json>            the cookie that Flask would set for this data; needs SECRET_KEY
                         both: --salt TEXT, --digest sha1|sha256|sha384|sha512
  keygen                 a new secret key
  schema <engine>        the tables of the store, for postgres, mysql or sqlite
  sessions list --owner ID [--json]
  sessions revoke <selector> | --owner ID
  sessions prune         remove what is expired
                         all three: --store URL, or SESSION_STORE in the environment
  doctor [-] [--strict]  what is soft or broken in the settings in the environment, or in JSON options on standard input

Instead of <cookie> and <json> write "-", or nothing, to send them on standard input, where no shell history and no list
of processes sees them. Secrets are taken from the environment alone.

Exit code: 0 good, 1 not, 2 not understood.`;

type Command = (args: string[], terminal: Terminal) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = { demo, inspect, sign, keygen, schema, sessions, doctor };

/**
 * Runs a command line, without the program's name.
 *
 * @returns the exit code
 */
export async function main(args: string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--version") return told(version(), terminal);
  if (name === "--help" || name === "-h" || name === "help") return told(HELP, terminal);
  if (name === undefined || !Object.hasOwn(COMMANDS, name)) {
    terminal.complain(name === undefined ? HELP : `There is no such command.\n\n${HELP}`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) return told(HELP, terminal);
  try {
    return await COMMANDS[name]!(rest, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.complain(`${error.message} See hipflask --help.`);
      return 2;
    }
    // Only messages of our own are known to name no secret.
    terminal.complain(error instanceof HipflaskError ? error.message : `${name} failed: ${nameOf(error)}`);
    return 1;
  }
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
