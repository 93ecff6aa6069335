import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { ConfigError, HipflaskError } from "../errors.ts";
import { withoutHelp } from "../help.ts";
import { optionsFromFlask } from "../manager/flask-options.ts";
import { onMade } from "../manager/made.ts";
import type { SessionOptions } from "../manager/options.ts";
import { parseCommand } from "./arguments.ts";
import type { Command } from "./command.ts";
import { examine, examineSecrets, LEVELS, type Finding } from "./examine.ts";
import { answers, openStore } from "./open-store.ts";
import { secretKeyOf } from "./secret.ts";
import type { Terminal } from "./terminal.ts";

export const doctor: Command = {
  summary: "checks the session configuration of an app",
  help: `Usage: hipflask doctor [FILE | -] [--strict]

With FILE, loads it as your app does and checks every sessions(…) and new SessionManager(…) in it: all options, the secret,
whether the store responds. Name the file that configures the sessions; one that starts a server is loaded, too.
Without it, checks SECRET_KEY and SESSION_STORE in the environment and in the file .env.
With "-", reads options as JSON from standard input, under our names or Flask's.

Options:
  --strict          exit code 1 for weak settings, too

Examples:
  hipflask doctor ./sessions.js
  npx tsx node_modules/hipflask/bin/hipflask.js doctor ./sessions.ts    where Node does not read TypeScript (before 22.18)
  echo '{"SESSION_COOKIE_SAMESITE": "None"}' | hipflask doctor -

Prints a line for each finding, worst first: "broken" does not work or is open to anyone, "weak" could be safer, "note" is
good to know. Exit code 1 if something is broken.`,
  run,
};

async function run(args: string[], terminal: Terminal): Promise<number> {
  const { values, words } = parseCommand(args, { strict: { type: "boolean" } }, 1);
  const findings = await findingsOf(words[0], terminal);
  for (const wanted of LEVELS)
    for (const { level, text } of findings)
      if (level === wanted) terminal.print(`${level.padEnd(7)} ${text}`);
  const count = (wanted: string) => findings.filter(({ level }) => level === wanted).length;
  terminal.print(`${count("broken")} broken, ${count("weak")} weak`);
  return count("broken") > 0 || (values.strict === true && count("weak") > 0) ? 1 : 0;
}

async function findingsOf(word: string | undefined, terminal: Terminal): Promise<Finding[]> {
  if (word === undefined) return ofEnvironment(terminal);
  if (word === "-") return ofJson(await terminal.read());
  return ofFile(word, terminal);
}

async function ofEnvironment(terminal: Terminal): Promise<Finding[]> {
  const url = terminal.env.SESSION_STORE;
  const secrets = examineSecrets(
    { secretKey: secretKeyOf(terminal), isNeeded: !url },
    { secretKey: "SECRET_KEY" },
  );
  const findings = [
    ...secrets,
    ...(url ? await ofStore("SESSION_STORE", () => openStore(url, { mustExist: true })) : []),
  ];
  const text = "only the environment was checked; hipflask doctor FILE checks the options in your code";
  return [...findings, { level: "note", text }];
}

async function ofFile(word: string, terminal: Terminal): Promise<Finding[]> {
  const path = resolve(terminal.cwd, word);
  if (!existsSync(path)) throw new ConfigError(`There is no file ${word}.`);
  const made: SessionOptions[] = [];
  onMade((options) => made.push(options));
  // A server in it may find its port in use by the running app, which is irrelevant here.
  process.on("uncaughtException", ignore);
  try {
    const fault = await load(path);
    // From here on, managers are recorded.
    onMade(ignore);
    if (made.length > 0) return (await Promise.all(made.map(ofOptions))).flat();
    const text = `${word} ${fault ?? NOTHING_MADE}`;
    throw new ConfigError(text.replaceAll(secretKeyOf(terminal) ?? "\0", "…"));
  } finally {
    onMade(ignore);
    process.off("uncaughtException", ignore);
  }
}

async function ofOptions(
  options: SessionOptions,
  index: number,
  all: readonly unknown[],
): Promise<Finding[]> {
  const { store, cookieName = "session" } = options;
  const stored = typeof store?.read === "function" ? await ofStore("store", () => answers(store)) : [];
  const which = all.length === 1 ? "" : `[${index + 1}: ${cookieName}] `;
  return [...examine(options), ...stored].map(({ level, text }) => ({ level, text: which + text }));
}

const NOTHING_MADE =
  "was loaded but configures no sessions. Name the file that calls sessions(…) or new SessionManager(…) when it is loaded.";

/** @returns the error that prevented loading */
async function load(path: string): Promise<string | undefined> {
  try {
    await import(/* @vite-ignore */ pathToFileURL(path).href);
    return undefined;
  } catch (error) {
    // The options were recorded before they were checked, so refused ones are known too.
    if (error instanceof HipflaskError) return withoutHelp(error.message);
    const { code, message } = error as NodeJS.ErrnoException;
    return UNREAD.has(code ?? "")
      ? `is TypeScript, which Node ${process.version} does not read: npx tsx node_modules/hipflask/bin/hipflask.js doctor FILE`
      : `cannot be loaded: ${message ?? String(error)}`;
  }
}

const UNREAD: ReadonlySet<string> = new Set([
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX",
]);

async function ofStore(name: string, use: () => Promise<unknown>): Promise<Finding[]> {
  try {
    await use();
    return [];
  } catch (error) {
    if (!(error instanceof HipflaskError)) throw error;
    return [{ level: "broken", text: `${name}: ${withoutHelp(error.message)}` }];
  }
}

/** Options with hipflask's or Flask's names. Values that JSON cannot represent (a store, a custom codec, functions) are omitted. */
function ofJson(text: string): Finding[] {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // The parser's own message repeats the text, which may contain a secret.
    throw new ConfigError("Standard input is not JSON.");
  }
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw new ConfigError("Send the options as one JSON object.");
  const isFlask = Object.keys(config).some((name) => /^[A-Z_]+$/.test(name));
  return isFlask ? ofFlask(config as Record<string, unknown>) : examine(config as SessionOptions);
}

function ofFlask(config: Record<string, unknown>): Finding[] {
  const findings: Finding[] = [];
  const known = Object.entries(config).filter(([name, value]) => {
    try {
      return optionsFromFlask({ [name]: value });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      findings.push({ level: "broken", text: withoutHelp(error.message) });
      return false;
    }
  });
  return [...findings, ...examine(optionsFromFlask(Object.fromEntries(known)))];
}

function ignore(): void {}
