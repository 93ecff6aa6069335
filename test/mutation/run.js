/**
 * `npm run mutate` changes the code of each folder in one place after the other; each change has to fail a test of that folder.
 * `npm run mutate -- json session` looks at some of them. The last line of each is its score; what survived is above it and in
 * .cache/mutation/FOLDER.html. Code that is the same as in the last run is not run again.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** The folders of `src` that are mutated, and the tests beside their own that count; those say the same in every run. */
const FOLDERS = {
  json: ["test/vectors.test.ts"],
  itsdangerous: ["test/vectors.test.ts"],
  codecs: ["test/{django-vectors,vectors}.test.ts"],
  session: ["test/schema.test.ts"],
  interfaces: ["test/{events,migration}.test.ts", "test/stores/{commit,flow,lazy,login}.test.ts"],
};

const stryker = join(import.meta.dirname, "node_modules/@stryker-mutator/core/bin/stryker.js");
const given = process.argv.slice(2);
const unknown = given.filter((name) => !Object.hasOwn(FOLDERS, name));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}; there are ${Object.keys(FOLDERS).join(", ")}.`);
  process.exit(2);
}
for (const folder of given.length > 0 ? given : Object.keys(FOLDERS)) {
  const { status } = spawnSync(
    process.execPath,
    [stryker, "run", join(import.meta.dirname, "stryker.config.js")],
    {
      stdio: "inherit",
      env: { ...process.env, MUTATE: folder, TESTS: JSON.stringify(FOLDERS[folder]) },
    },
  );
  if (status !== 0) process.exitCode = 1;
}
