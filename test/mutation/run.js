/**
 * `npm run mutate` changes the code of each folder in one place after the other; each change has to fail a test of that folder.
 * `npm run mutate -- json session/state.ts` looks at some of them. What survived is printed, then the score of each file: of 100
 * changes that are in it, how many fail a test. The changes are those of StrykerJS. What runs only while a module is loaded is not
 * changed, and tests that take long are not asked.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { Instrumenter } from "@stryker-mutator/instrumenter";
import { startVitest } from "vitest/node";

/** The folders of `src` that are changed, and the tests beside their own that count, the quickest to notice much first. */
const FOLDERS = {
  json: ["test/{unknown-options,vectors}.test.ts"],
  itsdangerous: ["test/{unknown-options,vectors}.test.ts", "src/adapters/next/prerender-clock.test.ts"],
  codecs: ["test/{django-vectors,unknown-options,vectors}.test.ts"],
  session: [
    "src/request/*.test.ts",
    "test/{schema,vectors}.test.ts",
    "test/stores/{commit,consume,flow,identity,read-only}.test.ts",
  ],
  interfaces: [
    "test/stores/{answers,combinations,commit,consume,flow,identity,lazy,login,outages,promises,read-only,tokens}.test.ts",
    "test/{accepts,events,flask-cookie,migration,schema,sweep}.test.ts",
    "src/{manager,request}/*.test.ts",
    "test/shared/{django,flask-session}-decisions.test.ts",
    "test/reports/{cookie-scope,ended-and-logged-in,failing-callbacks,listeners-of-ended-sessions,moving-logouts,overridden-settings}.test.ts",
    "test/adapters/socket.test.ts",
    "test/reports/{any-order-of-calls,assigned-sessions,not-modified}.test.ts",
    "test/vectors.test.ts",
  ],
};

const root = resolve(import.meta.dirname, "../..");
const src = join(root, "src");
process.chdir(root);

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
/** `hipflask` is the source here, which is changed, and not the build. */
const alias = Object.entries(exports).flatMap(([subpath, target]) =>
  typeof target === "string"
    ? []
    : {
        find: new RegExp(`^hipflask${subpath.slice(1)}$`),
        replacement: join(root, target.import.default.replace("./dist", "src").replace(/\.js$/, ".ts")),
      },
);

const given = process.argv.slice(2);
const unknown = given.filter((name) => !Object.hasOwn(FOLDERS, name.split("/")[0]));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(", ")}; there are ${Object.keys(FOLDERS).join(", ")}.`);
  process.exit(2);
}
for (const name of given.length > 0 ? given : Object.keys(FOLDERS)) await mutate(name);

async function mutate(name) {
  const instrumented = await instrument(sourcesIn(join(src, name)));
  const codes = new Map(instrumented.files.map((file) => [file.name, file.content]));
  const folder = join(root, ".cache/mutation", name.replaceAll("/", "-"));
  const outcomeFile = join(folder, "outcome.json");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(outcomeFile, JSON.stringify({ killed: {}, survived: {}, failed: [], slow: [], atLoad: {} }));
  const [room] = name.split("/");
  for (const tests of [`src/${room}/**/*.test.ts`, ...FOLDERS[room]]) {
    let files = [tests];
    while (files.length > 0) {
      await run(files, folder, codes);
      files = filesEnded(folder, outcomeFile);
    }
  }
  report(instrumented.mutants, JSON.parse(readFileSync(outcomeFile, "utf8")));
}

async function run(include, folder, codes) {
  const vitest = await startVitest(
    "test",
    [],
    {
      config: false,
      watch: false,
      include,
      runner: join(import.meta.dirname, "runner.ts"),
      env: { MUTATION_FOLDER: folder, NODE_NO_WARNINGS: "1" },
      // Tests of a service that is not there are skipped.
      provide: { project: "live" },
      reporters: [{ onTestModuleStart: ({ relativeModuleId }) => console.log(relativeModuleId) }],
      // One file after the other, each in a process of its own: a change may leave anything behind, or use all memory.
      pool: "forks",
      maxWorkers: 1,
      execArgv: ["--max-old-space-size=768"],
      testTimeout: 120_000,
      onConsoleLog: () => false,
      dangerouslyIgnoreUnhandledErrors: true,
    },
    { plugins: [{ name: "changes", enforce: "pre", load: (id) => codes.get(id) }], resolve: { alias } },
  );
  await vitest.close();
}

/** A change that ends its process was noticed. @returns the test files that were in it, which go on without that change */
function filesEnded(folder, outcomeFile) {
  const outcome = JSON.parse(readFileSync(outcomeFile, "utf8"));
  const files = triedIn(folder).flatMap((name) => {
    const mutant = readFileSync(join(folder, name), "utf8");
    rmSync(join(folder, name));
    if (mutant === "") return [];
    outcome.killed[mutant] = "the end of the process";
    return decodeURIComponent(name);
  });
  writeFileSync(outcomeFile, JSON.stringify(outcome));
  return files;
}

/** The names of the test files that are being run. */
function triedIn(folder) {
  return readdirSync(folder).filter((name) => name !== "outcome.json");
}

/** The code with all changes in it, each behind a switch. */
function instrument(files) {
  const isDebugEnabled = () => false;
  const silent = { isDebugEnabled, debug() {}, info() {}, warn: console.warn };
  const sources = files.map((name) => ({ name, content: readFileSync(name, "utf8"), mutate: true }));
  return new Instrumenter(silent).instrument(sources, { plugins: null, excludedMutations: [], ignorers: [] });
}

function sourcesIn(path) {
  const names = statSync(path).isFile() ? [""] : readdirSync(path, { recursive: true });
  return names
    .map((name) => join(path, name))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
}

function report(mutants, { killed, survived, atLoad, failed, slow }) {
  const scores = new Map();
  for (const { id, fileName, location, replacement } of mutants) {
    const isSurvivor = id in survived;
    if (!(id in killed || isSurvivor) && id in atLoad) continue;
    const file = relative(src, fileName);
    const score = scores.get(file) ?? { killed: 0, survived: 0, unreached: 0 };
    scores.set(file, score);
    score[id in killed ? "killed" : isSurvivor ? "survived" : "unreached"] += 1;
    if (id in killed) continue;
    const what = isSurvivor ? "survived" : "unreached";
    console.log(
      `${what} ${file}:${location.start.line + 1}  ${original(fileName, location)}  →  ${oneLine(replacement)}`,
    );
  }
  const all = { killed: 0, survived: 0, unreached: 0 };
  for (const score of scores.values()) for (const key of Object.keys(all)) all[key] += score[key];
  for (const [file, score] of [...scores, ["together", all]]) console.log(line(file, score));
  if (slow.length > 0) console.log(`took too long to be asked: ${slow.join(", ")}`);
  // Tests of a file share its modules, in which a change may have left something behind.
  if (failed.length > 0) console.log(`failed without a change, and were not asked: ${failed.join(", ")}`);
}

function line(file, { killed, survived, unreached }) {
  const percent = Math.floor((100 * killed) / (killed + survived + unreached));
  return `${String(percent).padStart(4)} %  ${file}: ${killed} noticed, ${survived} survived, ${unreached} not reached`;
}

/** The changed code in the first of its lines, in brackets. */
function original(fileName, { start, end }) {
  const lines = readFileSync(fileName, "utf8")
    .split("\n")
    .slice(start.line, end.line + 1);
  lines[lines.length - 1] = `${lines.at(-1).slice(0, end.column)}⟧${lines.at(-1).slice(end.column)}`;
  lines[0] = `${lines[0].slice(0, start.column)}⟦${lines[0].slice(start.column)}`;
  return oneLine(lines.join("\n"));
}

function oneLine(text) {
  const flat = text.trim().replaceAll(/\s+/g, " ");
  return flat.length > 240 ? `${flat.slice(0, 240)}…` : flat;
}
