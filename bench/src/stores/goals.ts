import type { Goal } from "../goals.ts";
import type { Engine } from "./engines.ts";
import { steepness, type Growth, type GrowthSubject } from "./growth.ts";
import { IN_FLIGHT } from "./in-flight.ts";
import type { Cell, Readings } from "./readings.ts";
import type { RoundTrips } from "./round-trips.ts";
import { BARE, CONNECT_REDIS, REQUEST_SUBJECTS, US, VERB_SUBJECTS, type Subject } from "./subjects.ts";
import { addedBy } from "./tables.ts";

const SIZE = 300;

/** The goals that this benchmark can judge. */
export function storeGoals(
  readings: Readings,
  trips: readonly RoundTrips[],
  growths: readonly Growth[],
): Goal[] {
  const most = (of: (trip: RoundTrips) => number) =>
    trips.length === 0 ? undefined : Math.max(...trips.map(of));
  const of = (subject: GrowthSubject) => growths.find((growth) => growth.subject === subject);
  const [memory, redis, express] = [of("memory"), of("redis"), of("express-session")];
  const verbs = (engine: Engine, inFlight: number) => openAndCommit(readings, engine, inFlight);
  const added = (what: string) =>
    readings.ratio(addedBy(server(US), what, SIZE), addedBy(server(CONNECT_REDIS), what, SIZE));
  const throughput = (what: string) => {
    const cell = (name: string) => ({
      of: [{ subject: server(name), what, size: SIZE, inFlight: IN_FLIGHT }],
    });
    return readings.ratio(cell(CONNECT_REDIS), cell(US));
  };
  return [
    atMost("P8", "round trips to open, every engine", [1], [most(({ open }) => open)]),
    atMost(
      "P8",
      "more of them to read · to commit",
      [0, 1],
      [most(({ read }) => read), most(({ commit }) => commit)],
    ),
    atMost(
      "P9",
      "open + commit, of two bare commands, one at a time: @redis/client · ioredis",
      [1.15],
      [verbs("redis", 1), verbs("ioredis", 1)],
    ),
    atMost(
      "P9",
      `the same, ${IN_FLIGHT} in flight`,
      [1.15],
      [verbs("redis", IN_FLIGHT), verbs("ioredis", IN_FLIGHT)],
    ),
    atLeast(
      "P9",
      "requests per second, of express-session + connect-redis: read · counter",
      [1.5],
      [throughput("read"), throughput("count")],
    ),
    atMost(
      "P10",
      "cost with the most sessions, of that with 1,000: memory · Redis",
      [1.5],
      [memory && steepness(memory), redis && steepness(redis)],
    ),
    atMost("P10", "longest pause of a sweep that removes all of them, ms", [5], [memory?.longestPause]),
    atMost(
      "P11",
      "memory store: bytes per session of 300 B",
      [700],
      [memory?.levels.at(-1)?.bytesPerSession],
    ),
    atMost(
      "P15",
      "Redis: what a read · a counter adds, of express-session + connect-redis",
      [1 / 3, 0.6],
      [added("read"), added("count")],
    ),
    atMost("P16", "client-side caching in Redis", [1 / 20], [undefined], "not built"),
    atMost("P17", "a sweep with nothing due, ms", [1], [memory?.idleSweep]),
    atMost(
      "P17",
      "full garbage collection, of that with express-session's MemoryStore",
      [1 / 5],
      [memory?.gc !== undefined && express?.gc !== undefined ? memory.gc / express.gc : undefined],
    ),
  ];
}

/** A load and a save by us, of the engine's own. */
function openAndCommit(readings: Readings, engine: Engine, inFlight: number): number | undefined {
  const both = (name: string): { of: Cell[] } => {
    const subject = VERB_SUBJECTS.find((other) => other.engine === engine && other.name === name)!;
    return { of: ["load", "save"].map((what) => ({ subject, what, size: SIZE, inFlight })) };
  };
  return readings.ratio(both(US), both(BARE));
}

function server(name: string): Subject {
  return REQUEST_SUBJECTS.find((subject) => subject.engine === "redis" && subject.name === name)!;
}

type Values = readonly (number | undefined)[];

/** One limit for all values, or one for each. */
function atMost(id: string, what: string, limits: readonly number[], values: Values, absent?: string): Goal {
  return goal({ id, what, sign: "≤", limits, values, holds: (value, limit) => value <= limit, absent });
}

function atLeast(id: string, what: string, limits: readonly number[], values: Values): Goal {
  return goal({ id, what, sign: "≥", limits, values, holds: (value, limit) => value >= limit });
}

function goal({
  id,
  what,
  sign,
  limits,
  values,
  holds,
  absent = "not measured",
}: {
  id: string;
  what: string;
  sign: string;
  limits: readonly number[];
  values: Values;
  holds: (value: number, limit: number) => boolean;
  absent?: string | undefined;
}): Goal {
  const known = values.flatMap((value, at) =>
    value === undefined ? [] : [{ value, limit: limits[at] ?? limits[0]! }],
  );
  return {
    id,
    what,
    goal: `${sign} ${limits.map(show).join(" · ")}`,
    figure: values.map((value) => (value === undefined ? absent : show(value))).join(" · "),
    isMet: known.length === 0 ? undefined : known.every(({ value, limit }) => holds(value, limit)),
  };
}

function show(value: number): string {
  return Number.isInteger(value) ? String(value) : value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
