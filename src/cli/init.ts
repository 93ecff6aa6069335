import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseEnv } from "node:util";
import { didYouMean } from "../did-you-mean.ts";
import { parseCommand, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { asCommonJs, codeOf, isRequired } from "./init/code.ts";
import { FRAMEWORKS, type Framework, type Step } from "./init/frameworks.ts";
import { projectIn, type Project } from "./init/project.ts";
import { STORES, type StoreChoice } from "./init/stores.ts";
import type { Terminal } from "./terminal.ts";

export const init: Command = {
  summary: "adds sessions to the app in this folder: a file, and a key in .env",
  help: `Usage: hipflask init [--framework NAME] [--store NAME] [--yes]

Writes a file that configures the sessions of the app in this folder, and a secret key into .env, which Git is told to leave
out. Says which lines are left for you to add. Changes no file of yours but .env and .gitignore, to which it adds lines.

Options:
  --framework NAME  ${Object.keys(FRAMEWORKS).join(", ")}
                    default: the one in package.json
  --store NAME      ${Object.keys(STORES).join(", ")}; default: cookie
  --yes             asks nothing

Examples:
  npx hipflask init
  npx hipflask init --framework express --store sqlite
  npx hipflask init --yes`,
  run,
};

const OPTIONS = {
  framework: { type: "string" },
  store: { type: "string" },
  yes: { type: "boolean" },
} as const;

async function run(args: string[], terminal: Terminal): Promise<number> {
  const { values } = parseCommand(args, OPTIONS, 0);
  const project = projectIn(terminal.cwd);
  const ask = values.yes === true ? undefined : terminal.ask;
  const frameworks = Object.fromEntries(Object.entries(FRAMEWORKS).map(([name, { door }]) => [name, door]));
  const stores = Object.fromEntries(Object.entries(STORES).map(([name, { title }]) => [name, title]));
  const name = await choose("framework", values.framework, frameworks, project.framework, ask);
  const kept = await choose("store", values.store, stores, "cookie", ask);
  const [framework, store] = [FRAMEWORKS[name]!, STORES[kept]!];

  const file = fileOf(framework, project);
  const isWritten = writeCode(file, codeOf(framework, store, project), project, terminal);
  writeEnv(store, project, terminal);
  ignoreInGit([".env", ...(store.ignored === undefined ? [] : [store.ignored])], project, terminal);
  tellTheRest({ framework, store, project, file }, terminal);
  return isWritten ? 0 : 1;
}

/** The option, the answer to the question, or the default. @throws UsageError without any */
async function choose(
  option: string,
  given: string | undefined,
  choices: Readonly<Record<string, string>>,
  byDefault: string | undefined,
  ask: Terminal["ask"],
): Promise<string> {
  const names = Object.keys(choices);
  if (given !== undefined) {
    if (Object.hasOwn(choices, given)) return given;
    throw new UsageError(`--${option} is one of ${names.join(", ")}.${didYouMean(given, names)}`);
  }
  if (ask === undefined) {
    if (byDefault !== undefined) return byDefault;
    throw new UsageError(`package.json has none of the frameworks; write --${option} ${names.join("|")}.`);
  }
  const list = names.map((name, index) => `  ${index + 1}  ${name.padEnd(12)} ${choices[name]}`).join("\n");
  const hint = byDefault === undefined ? "" : ` [${byDefault}]`;
  for (let question = `Which ${option}?\n${list}\n`; ; question = "") {
    const answer = (await ask(`${question}${option}${hint}: `)).trim().toLowerCase();
    const chosen = answer === "" ? byDefault : (names[Number(answer) - 1] ?? answer);
    if (chosen !== undefined && Object.hasOwn(choices, chosen)) return chosen;
  }
}

function fileOf({ file, isFixed = false }: Framework, { isTyped, hasSource }: Project): string {
  return `${hasSource && !isFixed ? "src/" : ""}${file}.${isTyped ? "ts" : "js"}`;
}

/** @returns whether the file contains the code now */
function writeCode(file: string, code: string, { folder }: Project, { print, complain }: Terminal): boolean {
  const path = join(folder, file);
  if (existsSync(path)) {
    if (readFileSync(path, "utf8") === code) return true;
    complain(`${file} already exists and was not changed. Add this to it:\n\n${code}`);
    return false;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code, { flag: "wx" });
  print(`${file}: written`);
  return true;
}

/** Adds missing variables; an existing key is in use. */
function writeEnv({ url }: StoreChoice, { folder }: Project, { print }: Terminal): void {
  const path = join(folder, ".env");
  const isNew = !existsSync(path);
  const text = isNew ? "" : readFileSync(path, "utf8");
  const there = parseEnv(text);
  const wanted = { SECRET_KEY: randomBytes(32).toString("base64url"), ...(url && { SESSION_STORE: url }) };
  const missing = Object.entries(wanted).filter(([name]) => !there[name]);
  if (missing.length === 0) return;
  appendFileSync(path, `${afterLine(text)}${missing.map(([name, value]) => `${name}=${value}\n`).join("")}`);
  if (isNew) chmodSync(path, 0o600);
  print(`.env: ${missing.map(([name]) => name).join(", ")} added`);
}

function ignoreInGit(names: readonly string[], { folder }: Project, { print }: Terminal): void {
  const path = join(folder, ".gitignore");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const lines = new Set(text.split("\n").map((line) => line.trim().replace(/^\//, "")));
  const missing = names.filter((name) => !lines.has(name) && !lines.has(`${name}*`));
  if (missing.length === 0) return;
  appendFileSync(path, `${afterLine(text)}${missing.join("\n")}\n`);
  print(`.gitignore: ${missing.join(", ")} added`);
}

const afterLine = (text: string) => (text === "" || text.endsWith("\n") ? "" : "\n");

interface Done {
  readonly framework: Framework;
  readonly store: StoreChoice;
  readonly project: Project;
  readonly file: string;
}

function tellTheRest({ framework, store, project, file }: Done, { print }: Terminal): void {
  const { isTyped, dependencies } = project;
  const missing = ["hipflask", ...store.packages].filter((name) => !dependencies.has(name));
  const module = file.includes("lib/")
    ? `@/${framework.file}`
    : `./${file.replace(/^src\//, "").replace(/\.ts$/, ".js")}`;
  const inProject = isRequired(framework, project) ? asCommonJs : (text: string) => text;
  const steps: Step[] = [];
  if (missing.length > 0) steps.push(["in this folder", [`npm install ${missing.join(" ")}`]]);
  if (store.tables !== undefined) steps.push(["to create the tables, once", [store.tables]]);
  steps.push(...framework.left(module, isTyped), ["to check the configuration", [checkOf(framework, file)]]);
  print("\nRemaining steps:\n");
  for (const [where, lines] of steps)
    print(`${where}\n${lines.map((line) => `    ${inProject(line)}\n`).join("")}`);
}

/** Whether Node can load the file: not if it imports modules of a framework, or is TypeScript on an older Node. */
function checkOf({ imports }: Framework, file: string): string {
  if (imports !== undefined) return "npx hipflask doctor";
  const isRead = file.endsWith(".js") || Boolean((process.features as { typescript?: unknown }).typescript);
  return `${isRead ? "npx hipflask" : "npx tsx node_modules/hipflask/bin/hipflask.js"} doctor ./${file}`;
}
