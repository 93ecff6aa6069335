import { StoreError } from "../errors.ts";
import { storeFromUrl } from "../stores/from-url.ts";
import { TaggedJSONSerializer } from "../json/tagged-json.ts";
import { DEFAULT_LIFETIME } from "../interfaces/lifetime.ts";
import type { SessionInfo } from "../stores/record.ts";
import { SessionRecords } from "../stores/session-records.ts";
import { sweepOnce } from "../stores/sweep.ts";
import { parseCommand, UsageError } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

const OPTIONS = {
  store: { type: "string" },
  owner: { type: "string" },
  json: { type: "boolean" },
} as const;

/** Sessions in one question. */
const PAGE = 500;
/** Seconds to reach a store, and for each of its answers. */
const PATIENCE = 10;

interface Given {
  readonly owner: string | undefined;
  readonly selector: string | undefined;
  readonly json: boolean;
}

const COMMANDS: Readonly<
  Record<string, (sessions: SessionRecords, given: Given, terminal: Terminal) => Promise<number>>
> = { list, revoke, prune };

/** `sessions list|revoke|prune`: the sessions in a store, for whoever runs it. */
export async function sessions(args: string[], terminal: Terminal): Promise<number> {
  const { values, words } = parseCommand(args, OPTIONS, 2);
  const [name = "", selector] = words;
  if (!Object.hasOwn(COMMANDS, name))
    throw new UsageError(`Say what to do: sessions ${Object.keys(COMMANDS).join("|")}.`);
  const url = values.store ?? terminal.env.SESSION_STORE;
  if (!url) throw new UsageError("Name the store: --store URL, or SESSION_STORE in the environment.");
  const given = { owner: values.owner, selector: selector?.split(".", 1)[0], json: values.json ?? false };
  if (name === "list" && given.owner === undefined)
    throw new UsageError("Say whose sessions: --owner ID. Stores list no sessions but those of an owner.");
  if (name === "revoke" && (given.owner === undefined) === (given.selector === undefined))
    throw new UsageError("Name the session to revoke, or --owner ID to revoke all of theirs.");
  if (name !== "revoke" && selector !== undefined) throw new UsageError("There is a word too many.");

  const store = await inTime(storeFromUrl(url));
  try {
    const options = { json: new TaggedJSONSerializer(), longest: DEFAULT_LIFETIME, seconds: PATIENCE };
    return await COMMANDS[name]!(new SessionRecords(store, options), given, terminal);
  } finally {
    await store.close?.();
  }
}

async function list(sessions: SessionRecords, { owner, json }: Given, { print }: Terminal): Promise<number> {
  let page: SessionInfo[] = [];
  do {
    page = await sessions.list(owner!, { limit: PAGE, after: page.at(-1)?.selector });
    for (const info of page) print(ascii(json ? JSON.stringify(info) : line(info)));
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
  print(`${await sweepOnce(sessions)} expired records removed`);
  return 0;
}

function line({ selector, device, createdAt, lastSeenAt, expiresAt }: SessionInfo): string {
  const [created, seen, expires] = [createdAt, lastSeenAt, expiresAt].map(minute);
  return `${selector}  created ${created}  seen ${seen}  until ${expires}  ${device ?? ""}`.trimEnd();
}

/** Devices describe themselves; in ASCII they cannot move the cursor of whoever reads this. Still the same JSON. */
function ascii(text: string): string {
  return text.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function minute(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 16)}Z`;
}

/** Some clients try for ever to reach a server that is not there. */
async function inTime<Result>(promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new StoreError("timeout", `The store cannot be reached; gave up after ${PATIENCE} seconds.`)),
      PATIENCE * 1000,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
