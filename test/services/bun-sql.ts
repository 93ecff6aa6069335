// Runs the contract of stores on the SQL client of Bun, in Bun, over the database of the URL; prints a line for each test.
import { sqlStore, type BunSqlHandle } from "../../src/stores/sql.ts";
import { databaseOf } from "../../src/stores/sql/handles.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { movedSql } from "./moved-time.ts";

type BunSql = BunSqlHandle & { close(): Promise<void> };
declare const Bun: { SQL: new (url: string) => BunSql };

const tests: Array<{ name: string; body: () => Promise<void> }> = [];
const runner = {
  describe: (_: string, body: () => void) => body(),
  it: (name: string, body: () => Promise<void>) => void tests.push({ name, body }),
};
const sql = new Bun.SQL(process.argv[2]!);
storeContract(
  runner,
  async ({ clock }) => {
    const store = sqlStore(movedSql(databaseOf(sql), clock));
    await store.migrate();
    return { store, another: sqlStore(movedSql(databaseOf(sql), clock)) };
  },
  { scale: 0.01 },
);
for (const { name, body } of tests) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}: ${String(error).replaceAll("\n", " ")}`);
  }
}
await sql.close();
