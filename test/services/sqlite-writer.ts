/** Writes sessions to the file it is given as fast as it can, and says which writes were acknowledged. */
import { writeSync } from "node:fs";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import { newToken } from "../../src/stores/token.ts";

const store = sqliteStore(process.argv[2]!);
const say = (line: string) => writeSync(1, `${line}\n`);

for (let n = 0; ; n++) {
  const { selector, verifierHash } = newToken();
  const fields = new Map([["n", String(n)]]);
  await store.create({ selector, verifierHash, fields, expiry: { idle: 600 } });
  say(`created ${selector}`);
  const set = new Map(["a", "b", "c"].map((key) => [key, String(n)]));
  await store.patch(selector, verifierHash, { set });
  say(`patched ${selector}`);
  if (n % 3 === 0) {
    await store.destroy(selector);
    say(`destroyed ${selector}`);
  }
}
