import { randomBytes } from "node:crypto";
import { parseCommand } from "./arguments.ts";
import type { Command } from "./command.ts";

export const keygen: Command = {
  summary: "prints a new secret key",
  help: `Usage: hipflask keygen

Prints a new secret key: 256 random bits.

Examples:
  hipflask keygen
  echo "SECRET_KEY=$(npx hipflask keygen)" >> .env`,

  async run(args, { print }) {
    parseCommand(args, {}, 0);
    print(randomBytes(32).toString("base64url"));
    return 0;
  },
};
