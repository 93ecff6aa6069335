import type { Goal } from "../goals.ts";
import { STORED_SIZES } from "./data.ts";
import type { Engine } from "./engines.ts";
import { steepness, type Growth, type GrowthSubject } from "./growth.ts";
import { IN_FLIGHT } from "./in-flight.ts";
import type { Readings } from "./readings.ts";
import type { RedisFigures } from "./redis-worker.ts";
import type { RoundTrips } from "./round-trips.ts";
import { BARE, CONNECT_PG, CONNECT_REDIS, REQUEST_SUBJECTS, US, VERB_SUBJECTS } from "./subjects.ts";

const [SMALL, LARGE] = STORED_SIZES;

/** The goals that this benchmark can judge. */
export function storeGoals(
  readings: Readings,
  trips: readonly RoundTrips[],
  growths: readonly Growth[],
  figures: RedisFigures | undefined,
): Goal[] {
  const most = (of: (trip: RoundTrips) => number) =>
    trips.length === 0 ? undefined : Math.max(...trips.map(of));
  const of = (subject: GrowthSubject) => growths.find((growth) => growth.subject === subject);
  const [memory, redis, express] = [of("memory"), of("redis"), of("express-session")];
  const verb = (engine: Engine, what: string, size: number = SMALL, of: string = BARE) =>
    verbRatio(readings, engine, what, size, of);
  const rate = (engine: Engine, peer: string, what: string) => requestRatio(readings, engine, peer, what);
  const time = (size: number) => figures?.time?.find((other) => other.size === size)?.ratio;
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
      `Redis' own time of a counting request, of GET + SET, ${IN_FLIGHT} in flight: 300 B · 3 KB`,
      [1.9, 2.3],
      [time(SMALL), time(LARGE)],
    ),
    atMost(
      "P9",
      "Redis, of the bare command: load · save 300 B · load · save 3 KB",
      [1.2, 1.6, 1.2, 1.5],
      [
        verb("redis", "load"),
        verb("redis", "save"),
        verb("redis", "load", LARGE),
        verb("redis", "save", LARGE),
      ],
    ),
    atMost(
      "P9",
      "the same over ioredis",
      [1.2, 1.6, 1.2, 1.5],
      [
        verb("ioredis", "load"),
        verb("ioredis", "save"),
        verb("ioredis", "load", LARGE),
        verb("ioredis", "save", LARGE),
      ],
    ),
    atLeast(
      "P9",
      "requests per second, of express-session + connect-redis: read · count",
      [1.5, 1.1],
      [rate("redis", CONNECT_REDIS, "read"), rate("redis", CONNECT_REDIS, "count")],
    ),
    atMost(
      "P9",
      "PostgreSQL, of the bare statement: load · save",
      [1.15, 1.1],
      [verb("postgres", "load"), verb("postgres", "save")],
    ),
    atLeast(
      "P9",
      "requests per second, of express-session + connect-pg-simple: read · count",
      [4, 1.15],
      [rate("postgres", CONNECT_PG, "read"), rate("postgres", CONNECT_PG, "count")],
    ),
    atMost(
      "P9",
      "MariaDB, of the bare statement: load · save",
      [1.15, 1.3],
      [verb("mariadb", "load"), verb("mariadb", "save")],
    ),
    atMost(
      "P9",
      "SQLite, of the bare statement: load · save",
      [1.2, 1.4],
      [verb("sqlite", "load"), verb("sqlite", "save")],
    ),
    atMost(
      "P9",
      "memory store, save, of express-session's MemoryStore: 300 B · 3 KB",
      [2],
      [verb("memory", "save", SMALL, "express-session"), verb("memory", "save", LARGE, "express-session")],
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
    atMost("P16", "a cached read in Redis, of a GET, one at a time", [1 / 20], [figures?.cached.ratio]),
    atMost("P17", "a sweep with nothing due, ms", [1], [memory?.idleSweep]),
    atMost(
      "P17",
      "full garbage collection, of that with express-session's MemoryStore",
      [1 / 5],
      [memory?.gc !== undefined && express?.gc !== undefined ? memory.gc / express.gc : undefined],
    ),
  ];
}

/** A step of our store, of the same by another. */
function verbRatio(
  readings: Readings,
  engine: Engine,
  what: string,
  size: number,
  other: string,
): number | undefined {
  const cell = (name: string) => {
    const subject = VERB_SUBJECTS.find((each) => each.engine === engine && each.name === name)!;
    return { of: [{ subject, what, size, inFlight: IN_FLIGHT }] };
  };
  return readings.ratio(cell(US), cell(other));
}

/** Requests per second with us, of those with another. */
function requestRatio(readings: Readings, engine: Engine, peer: string, what: string): number | undefined {
  const cell = (name: string) => {
    const subject = REQUEST_SUBJECTS.find((each) => each.engine === engine && each.name === name)!;
    return { of: [{ subject, what, size: SMALL, inFlight: IN_FLIGHT }] };
  };
  return readings.ratio(cell(peer), cell(US));
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
