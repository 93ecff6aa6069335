import { DEFAULT_LIFETIME } from "../interfaces/cookie-interface.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { didYouMean } from "../did-you-mean.ts";
import type { SessionInfo } from "../stores/parts/record.ts";
import { SessionRecords } from "../stores/parts/session-records.ts";
import { sweepOnce } from "../stores/parts/sweep.ts";
import { parseCommand, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { openStore, PATIENCE } from "./open-store.ts";
import type { Terminal } from "./terminal.ts";

const OPTIONS = {
  store: { type: "string" },
  owner: { type: "string" },
  json: { type: "boolean" },
} as const;

/** Sessions per page. */
const PAGE = 500;

interface Given {
  readonly owner: string | undefined;
  readonly selector: string | undefined;
  readonly json: boolean;
}

export const sessions: Command = {
  summary: "lists, ends and prunes the sessions in a store",
  help: `Usage: hipflask sessions list --owner ID [--json]
       hipflask sessions revoke SELECTOR | --owner ID
       hipflask sessions prune

list shows the live sessions of one person, never tokens or data. revoke ends one session, by the selector that list shows,
or all sessions of a person. prune removes expired records.

Options:
  --store URL       the store; prefer SESSION_STORE in the environment: other users can see arguments, and the password in them
  --owner ID        what the app assigned to session.owner
  --json            one JSON object a line

Store URLs: sqlite:sessions.db, redis://host:6379/0, redis+cluster://a:6379,b:6379, postgres://host/db, mysql://host/db

Examples:
  hipflask sessions list --owner ada --store sqlite:sessions.db
  hipflask sessions revoke --owner ada
  SESSION_STORE=redis://localhost hipflask sessions prune

Exit code 1 if revoke found nothing to end.`,
  run,
};

const COMMANDS: Readonly<
  Record<string, (sessions: SessionRecords, given: Given, terminal: Terminal) => Promise<number>>
> = { list, revoke, prune };

async function run(args: string[], terminal: Terminal): Promise<number> {
  const { values, words } = parseCommand(args, OPTIONS, 2);
  const [name = "", selector] = words;
  if (!Object.hasOwn(COMMANDS, name))
    throw new UsageError(
      `Say what to do: sessions ${Object.keys(COMMANDS).join("|")}.${didYouMean(name, Object.keys(COMMANDS))}`,
    );
  const url = values.store ?? terminal.env.SESSION_STORE;
  if (!url) throw new UsageError("Pass the store: --store URL, or SESSION_STORE in the environment.");
  const given = { owner: values.owner, selector: selector?.split(".", 1)[0], json: values.json ?? false };
  if (name === "list" && given.owner === undefined)
    throw new UsageError("Pass --owner ID: stores can only list the sessions of an owner.");
  if (name === "revoke" && (given.owner === undefined) === (given.selector === undefined))
    throw new UsageError(
      "Pass the selector of the session to revoke, or --owner ID to revoke all sessions of an owner.",
    );
  if (name !== "revoke" && selector !== undefined) throw new UsageError("There are too many arguments.");

  const store = await openStore(url, { mustExist: true });
  try {
    const options = { json: new TaggedJSONSerializer(), longest: DEFAULT_LIFETIME, seconds: PATIENCE };
    return await COMMANDS[name]!(new SessionRecords(store, options), given, terminal);
  } finally {
    await store.close?.();
  }
}

async function list(
  sessions: SessionRecords,
  { owner, json }: Given,
  { print, complain }: Terminal,
): Promise<number> {
  let page: SessionInfo[] = [];
  do {
    const after = page.at(-1)?.selector;
    page = await sessions.list(owner!, { limit: PAGE, after });
    for (const info of page) print(ascii(json ? JSON.stringify(info) : line(info)));
    if (after === undefined && page.length === 0)
      complain(ascii(`There are no live sessions of ${JSON.stringify(owner)}.`));
  } while (page.length === PAGE);
  return 0;
}

async function revoke(
  sessions: SessionRecords,
  { owner, selector }: Given,
  { print }: Terminal,
): Promise<number> {
  const ended =
    owner === undefined
      ? Number((await sessions.remove(selector!)) !== undefined)
      : (await sessions.destroyAll(owner, undefined)).ended;
  print(`${ended} ${ended === 1 ? "session" : "sessions"} ended`);
  return ended > 0 ? 0 : 1;
}

async function prune(sessions: SessionRecords, _: Given, { print }: Terminal): Promise<number> {
  const count = await sweepOnce(sessions);
  print(`${count} expired ${count === 1 ? "record" : "records"} removed`);
  return 0;
}

function line({ selector, device, createdAt, lastSeenAt, expiresAt }: SessionInfo): string {
  const [created, seen, expires] = [createdAt, lastSeenAt, expiresAt].map(minute);
  return `${selector}  created ${created}  seen ${seen}  until ${expires}  ${device ?? ""}`.trimEnd();
}

/** Escapes non-ASCII characters in JSON, so that a device's description cannot contain terminal escape sequences. */
function ascii(text: string): string {
  return text.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function minute(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 16)}Z`;
}
