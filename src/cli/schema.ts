import { didYouMean } from "../did-you-mean.ts";
import { MYSQL, POSTGRES, SQLITE } from "../stores/sql/dialect.ts";
import { parseCommand, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";

const SCHEMAS: Readonly<Record<string, string>> = {
  postgres: script(POSTGRES.schema),
  mysql: script(MYSQL.schema),
  sqlite: script(SQLITE.schema),
};

export const schema: Command = {
  summary: "prints the tables of a store for postgres, mysql or sqlite",
  help: `Usage: hipflask schema postgres|mysql|sqlite

Prints the statements that migrate() of the store runs, for databases whose tables are made in another way. mysql is for
MariaDB too.

Examples:
  hipflask schema postgres | psql "$DATABASE_URL"
  hipflask schema sqlite | sqlite3 sessions.db`,

  async run(args, { print }) {
    const [engine = ""] = parseCommand(args, {}, 1).words;
    if (!Object.hasOwn(SCHEMAS, engine)) {
      const known = Object.keys(SCHEMAS);
      throw new UsageError(`Name one of ${known.join(", ")}.${didYouMean(engine, known)}`);
    }
    print(SCHEMAS[engine]!);
    return 0;
  },
};

function script(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};`).join("\n\n");
}
