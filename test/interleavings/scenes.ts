import { vi } from "vitest";
import { session } from "../../src/index.ts";
import { actorsFor, OWNER } from "./actors.ts";
import { explore, type Actor, type Exploration, type Requests } from "./explore.ts";
import { Judge } from "./judge.ts";
import type { Request } from "./request.ts";
import { perform, type EngineFault, type Records } from "./world.ts";

const T0 = Date.UTC(2026, 0, 1);
const NAMES = Object.keys(actorsFor(""));

/** Those that are in pairs, and in no larger company but their own. */
const RARE = new Set(["log in where one is allowed"]);

/** Timers never fire: all that ends a wait is an answer. */
export function stopTimers(): void {
  vi.stubGlobal("setTimeout", () => ({ unref() {} }));
  vi.stubGlobal("clearTimeout", () => {});
  // Most errors are meant, and their stacks cost more than all else.
  Error.stackTraceLimit = 0;
}

interface Start {
  readonly records: Records;
  readonly cookie: string;
  readonly now: number;
}

/** A visitor's session as it was before: anonymous or logged in, with a message waiting or none. */
async function startOf(requests: Requests, isOwned: boolean, hasMessage: boolean): Promise<Start> {
  const begin: Request = {
    name: `begin ${isOwned} ${hasMessage}`,
    cookie: "",
    options: { storeOptions: { idleTimeout: 3600 } },
    view() {
      session.update({ a: "0", b: "0", n: 0 });
      if (isOwned) session.owner = OWNER;
      if (hasMessage) session.flash("old");
    },
  };
  let records: Records = new Map();
  let point = await requests.start(begin, "begin", T0);
  while (point.outcome === undefined) {
    const done = perform(records, point.waiting[0]!, T0);
    records = done.records;
    point = await requests.next(point, { at: 0, answer: done.answer, now: T0 });
  }
  if (point.outcome.status !== "ok") throw new Error(`the session could not begin: ${point.outcome.status}`);
  // Old enough for a rotation.
  return { records, cookie: point.outcome.cookie!, now: T0 + 120_000 };
}

/** All interleavings of these actors. */
export async function play(
  requests: Requests,
  names: readonly string[],
  faults: number,
  engine?: EngineFault,
): Promise<Exploration> {
  const isOwned = names.includes("log out everywhere") && !names.includes("log in");
  const start = await startOf(requests, isOwned, names.includes("take flashes"));
  const actors = actorsFor(start.cookie);
  const selector = start.cookie.slice("session=".length).split(".")[0]!;
  const judge = new Judge(requests, { cookie: start.cookie, selector });
  const chosen = names.map((name): Actor => actors[name]!);
  return explore(requests, start.records, start.now, chosen, {
    faults,
    engine,
    judge: (world) => judge.judge(world),
  });
}

/**
 * Requests that change what is known of an owner have more orders among them than all others together, so choices are
 * played in three parts, on as many cores as there are.
 */
export function partOf(names: readonly string[]): "ends" | "logins" | "others" {
  const ends = names.filter((name) => name === "log out everywhere").length;
  const logins = names.filter((name) => name.startsWith("log in")).length;
  return ends > 1 ? "ends" : ends + logins > 1 ? "logins" : "others";
}

/** Which choices of actors are played. */
interface Played {
  readonly part?: ReturnType<typeof partOf>;
  /** A sample: one choice of so many, beginning with this one. */
  readonly sample?: { readonly of: number; readonly first: number };
}

/** All interleavings of all choices of so many actors: how many there were, in words, and what went wrong. */
export async function playAll(
  requests: Requests,
  count: number,
  faults: number,
  { part, sample = { of: 1, first: 0 } }: Played = {},
): Promise<{ readonly report: string; readonly violations: string[] }> {
  const began = performance.now();
  const total = { choices: 0, interleavings: 0, situations: 0, endings: 0 };
  const violations: string[] = [];
  const before = { runs: requests.runs, steps: requests.steps };
  const among = [...choices(count > 2 ? NAMES.filter((name) => !RARE.has(name)) : NAMES, count)].filter(
    (names) => part === undefined || partOf(names) === part,
  );
  for (const [at, names] of among.entries()) {
    if (at % sample.of !== sample.first) continue;
    const played = await play(requests, names, faults);
    total.choices++;
    total.interleavings += played.interleavings;
    total.situations += played.situations;
    total.endings += played.endings;
    violations.push(...played.violations.map((text) => `${names.join(" × ")}: ${text}`));
    if (violations.length > 9) break;
  }
  const number = (of: number) => of.toLocaleString("en");
  const report =
    `${number(total.interleavings)} interleavings of ${total.choices} choices of ${count} requests` +
    `${sample.of > 1 ? ` (a sample: number ${sample.first} of every ${sample.of})` : ""}` +
    `${faults > 0 ? ", each also with an error or a lost answer at every step" : ""}: ` +
    `${number(total.situations)} situations, ${number(total.endings)} endings, ` +
    `${number(requests.runs - before.runs)} runs of the code with ${number(requests.steps - before.steps)} steps, ` +
    `${((performance.now() - began) / 1000).toFixed(1)} s`;
  return { report, violations };
}

/** All ways to choose so many, in any order and with repetitions. */
function* choices(names: readonly string[], count: number): Generator<string[]> {
  for (const chosen of combinations(names, count)) {
    // The two writes differ in the name of their key alone.
    if (!chosen.includes("write b") || chosen.includes("write a")) yield chosen;
  }
}

function* combinations(names: readonly string[], count: number, from = 0): Generator<string[]> {
  if (count === 0) return void (yield []);
  for (let at = from; at < names.length; at++)
    for (const rest of combinations(names, count - 1, at)) yield [names[at]!, ...rest];
}
