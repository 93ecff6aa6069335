/** Writes records to the file it is given as fast as it can, and says which writes were acknowledged. */
import { writeSync } from "node:fs";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import { newToken } from "../../src/stores/parts/token.ts";

const store = sqliteStore(process.argv[2]!);
const say = (line: string) => writeSync(1, `${line}\n`);

for (let n = 0; ; n++) {
  const [key, commit] = [newToken().selector, newToken().selector];
  await store.insert(key, { text: String(n), commit, lifetime: 600 });
  say(`inserted ${key}`);
  await store.replace(key, commit, {
    text: `${n} `.repeat(1000),
    commit: newToken().selector,
    lifetime: 600,
  });
  say(`replaced ${key}`);
  if (n % 3 === 0) {
    await store.remove(key);
    say(`removed ${key}`);
  }
}
