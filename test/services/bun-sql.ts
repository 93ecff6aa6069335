// Runs the contract of stores on two SQL clients of Bun, in Bun, over the database of the URL.
import { databaseOf } from "../../src/stores/sql/handles.ts";
import { sqlStore, type BunSqlHandle } from "../../src/stores/sql.ts";
import { movedSql } from "./moved-time.ts";
import { printContract } from "./printed-contract.ts";

type BunSql = BunSqlHandle & { close(): Promise<void> };
declare const Bun: { SQL: new (url: string) => BunSql };

const [first, second] = [new Bun.SQL(process.argv[2]!), new Bun.SQL(process.argv[2]!)];
await printContract(
  async ({ clock }) => {
    const [store, another] = [first, second].map((sql) => sqlStore(movedSql(databaseOf(sql), clock)));
    await store!.migrate();
    return { store: store!, another: another! };
  },
  { scale: 0.01 },
  {
    async "says what to do where its table is missing"() {
      const message = await sqlStore(first)
        .read("key")
        .then(String, (error: Error) => error.message);
      if (!/is missing: write await store\.migrate\(\).*npx hipflask schema/.test(message))
        throw new Error(message);
    },
  },
);
await Promise.all([first.close(), second.close()]);
