import { randomBytes } from "node:crypto";
import { parseCommand } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** `keygen`: a new secret key, 256 bits. */
export async function keygen(args: string[], terminal: Terminal): Promise<number> {
  parseCommand(args, {}, 0);
  terminal.print(randomBytes(32).toString("base64url"));
  return 0;
}
