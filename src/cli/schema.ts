import { MYSQL, POSTGRES, SQLITE } from "../stores/sql/dialect.ts";
import { parseCommand, UsageError } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

const SCHEMAS: Readonly<Record<string, string>> = {
  postgres: script(POSTGRES.schema),
  mysql: script(MYSQL.schema),
  sqlite: script(SQLITE.schema),
};

/** `schema postgres|mysql|sqlite`: the statements that `migrate()` runs, for those who run them their own way. */
export async function schema(args: string[], terminal: Terminal): Promise<number> {
  const [engine = ""] = parseCommand(args, {}, 1).words;
  if (!Object.hasOwn(SCHEMAS, engine))
    throw new UsageError(`Name one of ${Object.keys(SCHEMAS).join(", ")}.`);
  terminal.print(SCHEMAS[engine]!);
  return 0;
}

function script(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};`).join("\n\n");
}
