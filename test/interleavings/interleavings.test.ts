import { beforeAll, describe, expect, it, vi } from "vitest";
import { session } from "../../src/index.ts";
import { actorsFor, OWNER } from "./actors.ts";
import { explore, Requests, type Actor } from "./explore.ts";
import { Judge } from "./judge.ts";
import type { Request } from "./request.ts";
import { perform, type EngineFault, type Records } from "./world.ts";

// Waits between retries are over at once: whatever could happen meanwhile is another interleaving.
vi.mock("node:timers/promises", async (original) => ({
  ...(await original<typeof import("node:timers/promises")>()),
  setTimeout: async () => {},
}));
vi.mock("../../src/stores/random.ts", async () => ({
  pooledRandom: (await import("./random.ts")).seededRandom,
}));

const T0 = Date.UTC(2026, 0, 1);
const NAMES = Object.keys(actorsFor(""));

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
    options: { idleTimeout: 3600 },
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

/** All ways to choose so many, in any order and with repetitions. */
function* choices(names: readonly string[], count: number, from = 0): Generator<string[]> {
  if (count === 0) return void (yield []);
  for (let at = from; at < names.length; at++)
    for (const rest of choices(names, count - 1, at)) yield [names[at]!, ...rest];
}

let requests: Requests;
beforeAll(() => {
  Error.stackTraceLimit = 0;
  requests = new Requests();
  vi.stubGlobal("setTimeout", () => ({ unref() {} }));
  vi.stubGlobal("clearTimeout", () => {});
});

async function run(names: readonly string[], faults: number, engine?: EngineFault) {
  const isOwned = names.includes("log out everywhere") && !names.includes("log in");
  const start = await startOf(requests, isOwned, names.includes("take flashes"));
  const actors = actorsFor(start.cookie);
  const selector = start.cookie.slice("session=".length).split(".")[0]!;
  const judge = new Judge(requests, { cookie: start.cookie, selector });
  return explore(requests, start.records, start.now, names.map((name): Actor => actors[name]!), {
    faults,
    engine,
    judge: (world) => judge.judge(world),
  });
}

describe("every interleaving", () => {
  it.each([
    [2, 0],
    [2, 1],
    [3, 0],
  ])("of %i requests, with %i faults", { timeout: 300_000 }, async (count, faults) => {
    const total = { interleavings: 0, situations: 0, endings: 0 };
    const violations: string[] = [];
    const began = performance.now();
    const cpu = process.cpuUsage();
    const [runs, steps] = [requests.runs, requests.steps];
    for (const names of choices(NAMES, count)) {
      const result = await run(names, faults);
      total.interleavings += result.interleavings;
      total.situations += result.situations;
      total.endings += result.endings;
      violations.push(...result.violations.map((text) => `${names.join(" × ")}: ${text}`));
      if (violations.length > 12) break;
    }
    console.log(count, faults, total, requests.runs - runs, requests.steps - steps, `${Math.round(performance.now() - began)} ms`, process.cpuUsage(cpu).user / 1e3);
    expect(violations.join("\n\n")).toBe("");
  });
});
