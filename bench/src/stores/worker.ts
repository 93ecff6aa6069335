/**
 * One subject in a process of its own, so that nobody pays for another's shape of objects, or for the async hooks that
 * `AsyncLocalStorage` turns on for a whole process. Reads tasks as lines of JSON on stdin and answers each with one line.
 *
 * Usage: node worker.js <subject as JSON> <space as JSON>
 */
import { createInterface } from "node:readline";
import type { StoredSize } from "./data.ts";
import type { Space } from "./engines.ts";
import { costOf, type Verbs } from "./in-flight.ts";
import type { RequestKind } from "./requests.ts";
import type { Subject } from "./subjects.ts";

/** A call to repeat for some time. */
export interface Task {
  readonly what: RequestKind | "load" | "save";
  readonly size: StoredSize;
  readonly inFlight: number;
  readonly milliseconds: number;
}

type Call = () => Promise<unknown>;

const [{ kind, engine, name }, space] = process.argv.slice(2).map((text) => JSON.parse(text)) as [
  Subject,
  Space,
];
const callOf = await (kind === "verbs" ? verbs() : requests());
const calls = new Map<string, Call>();

const lines = createInterface({ input: process.stdin });
// Also if the parent has ended, in the middle of the work.
lines.once("close", () => process.exit());
for await (const line of lines) {
  const answer = await obey(JSON.parse(line) as Task).catch((error: unknown) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function obey({ what, size, inFlight, milliseconds }: Task) {
  const key = `${what} ${size}`;
  const call = calls.get(key) ?? (await callOf(what, size));
  calls.set(key, call);
  return costOf(call, milliseconds, inFlight);
}

async function verbs() {
  const { openVerbs } = await import("./verbs.ts");
  const open = await openVerbs(engine, name, space);
  const opened = new Map<StoredSize, Verbs>();
  return async (what: Task["what"], size: StoredSize): Promise<Call> => {
    const verbs = opened.get(size) ?? (await open(size));
    opened.set(size, verbs);
    return verbs[what as keyof Verbs];
  };
}

async function requests() {
  const { openRequests } = await import("./requests.ts");
  const open = await openRequests(engine, name, space);
  return (what: Task["what"], size: StoredSize): Promise<Call> => open(what as RequestKind, size);
}
