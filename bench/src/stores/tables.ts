import type { Goal } from "../goals.ts";
import { verdict } from "../table.ts";
import { storedSizeName, STORED_SIZES } from "./data.ts";
import type { Growth } from "./growth.ts";
import { IN_FLIGHT } from "./in-flight.ts";
import type { Cell, Readings } from "./readings.ts";
import type { RedisFigures } from "./redis-worker.ts";
import type { RoundTrips } from "./round-trips.ts";
import { REQUEST_SUBJECTS, VERB_SUBJECTS, type Subject } from "./subjects.ts";

/** Something to print: on a terminal, and in a document. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const DASH = "–";

/** Calls of stores as multiples of the first subject of each engine; calls per second of one core of the application. */
export function verbTable(readings: Readings): Table {
  const columns = STORED_SIZES.flatMap((size) => (["load", "save"] as const).map((what) => ({ what, size })));
  return {
    title: `Calls of a store, ${IN_FLIGHT} in flight, as multiples of the first row of each engine; and loads and saves of 300 B that one core of the application can do in a second.`,
    head: ["engine", "", ...columns.map(({ what, size }) => `${what} ${storedSizeName(size)}`), "per core"],
    rows: VERB_SUBJECTS.map((subject) => {
      const first = firstOf(VERB_SUBJECTS, subject);
      const ratios = columns.map(({ what, size }) => {
        const of = (other: Subject) => ({ of: [{ subject: other, what, size, inFlight: IN_FLIGHT }] });
        return times(readings.ratio(of(subject), of(first)));
      });
      return [subject.engine, subject.name].concat(ratios, perCore(readings, subject, ["load", "save"]));
    }),
  };
}

/** What sessions add to a request, as multiples of what hipflask adds on that engine. */
export function requestTable(readings: Readings): Table {
  const columns = STORED_SIZES.flatMap((size) =>
    (["read", "count"] as const).map((what) => ({ what, size })),
  );
  return {
    title: `What a session adds to a request that reads one key, or reads one and writes another, ${IN_FLIGHT} in flight, as multiples of what hipflask adds on that engine; and such requests of 300 B, one after the other kind, that one core of the application can do in a second.`,
    head: ["engine", "", ...columns.map(({ what, size }) => `${what} ${storedSizeName(size)}`), "per core"],
    rows: REQUEST_SUBJECTS.map((subject) => {
      const first = firstOf(REQUEST_SUBJECTS, subject);
      const ratios = columns.map(({ what, size }) => {
        const added = (other: Subject) => addedBy(other, what, size);
        return times(readings.ratio(added(subject), added(first)));
      });
      return [subject.engine, subject.name].concat(ratios, perCore(readings, subject, ["read", "count"]));
    }),
  };
}

export function growthTable(growths: readonly Growth[], levels: readonly number[]): Table {
  return {
    title:
      "A load and a save beside so many other sessions of 300 B, as multiples of the same beside 1,000; and bytes per session at the most. SQLite, MariaDB and PGlite are filled to 100,000, since a million would take minutes, and Memcached to 10,000, which its default memory holds.",
    head: ["store", ...levels.map((sessions) => sessions.toLocaleString("en")), "bytes"],
    rows: growths.map((growth) => [
      growth.subject === "express-session" ? "express-session's MemoryStore" : growth.subject,
      ...levels.map((sessions) => {
        const cost = growth.levels.find((level) => level.sessions === sessions)?.cost;
        return times(cost && cost / growth.levels[0]!.cost);
      }),
      String(Math.round(growth.levels.at(-1)!.bytesPerSession)),
    ]),
  };
}

export function tripTable(trips: readonly RoundTrips[]): Table {
  return {
    title: "Commands or statements that a request sends, counted at the client.",
    head: ["engine", "open", "read a key", "write a key", "note activity", "log in with an owner"],
    rows: trips.map(({ engine, open, read, commit, touch, login }) => [
      engine,
      String(open),
      ...[read, commit, touch, login].map(more),
    ]),
  };
}

function delay({ median, longest }: RedisFigures["cached"]["write"]): string {
  return `${median.toFixed(2)} (longest ${longest.toFixed(1)})`;
}

/** What Redis itself spends, and what a client saves that keeps what it has read. */
export function redisTable({ time, cached }: RedisFigures): Table {
  const microseconds = (value: number | undefined) => (value === undefined ? DASH : value.toFixed(1));
  const of = (size: number) => time?.find((other) => other.size === size);
  return {
    title:
      "Redis: microseconds of its main thread for a request that counts, beside a bare GET and SET; and reads of a client with `clientSideCache`.",
    head: ["what", "hipflask", "bare"],
    rows: [
      ...STORED_SIZES.map((size) => [
        `own time of a counting request, ${storedSizeName(size)}, µs`,
        microseconds(of(size)?.ours),
        microseconds(of(size)?.bare),
      ]),
      [
        "a read from the cache, beside a GET, one at a time, µs",
        microseconds(cached.read),
        microseconds(cached.get),
      ],
      ["until another process's write is seen, ms", delay(cached.write), DASH],
      ["until another process's logout is seen, ms", delay(cached.removal), DASH],
    ],
  };
}

export function goalsTable(goals: readonly Goal[]): Table {
  return {
    title: "The goals.",
    head: ["", "what", "goal", "figure", ""],
    rows: goals.map((goal) => [goal.id, goal.what, goal.goal, goal.figure, verdict(goal)]),
  };
}

/** A request less the same request without sessions. */
export function addedBy(subject: Subject, what: string, size: number): { of: Cell[]; less: Cell[] } {
  const cell = (kind: string) => ({ subject, what: kind, size, inFlight: IN_FLIGHT });
  return { of: [cell(what)], less: [cell("bare")] };
}

export function toText({ title, head, rows }: Table): string {
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at]!.length)));
  const isNumber = (at: number) => rows.every((row) => /^[-\d.,×+–]*$/.test(row[at]!));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => (isNumber(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
      .join("  ")
      .trimEnd();
  return [title, "", line(head), ...rows.map(line)].join("\n");
}

export function toMarkdown({ title, head, rows }: Table): string {
  const lines = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [title, "", ...lines].join("\n");
}

function more(count: number): string {
  return count === 0 ? "0" : `+${count}`;
}

function firstOf(subjects: readonly Subject[], { engine }: Subject): Subject {
  return subjects.find((subject) => subject.engine === engine)!;
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? DASH : `${ratio.toFixed(2)}×`;
}

/** Calls of these kinds, in turn, per second of processor time. */
function perCore(readings: Readings, subject: Subject, kinds: readonly string[]): string {
  const costs = kinds.map((what) =>
    readings.median({ subject, what, size: STORED_SIZES[0], inFlight: IN_FLIGHT }, "cpu"),
  );
  if (costs.includes(undefined)) return DASH;
  const perSecond = (1e6 * kinds.length) / costs.reduce<number>((sum, cost) => sum + cost!, 0);
  return Number(perSecond.toPrecision(2)).toLocaleString("en");
}
