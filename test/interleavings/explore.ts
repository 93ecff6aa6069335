import { RealRequest, type Outcome, type Request } from "./request.ts";
import { perform, textOf, type Ask, type EngineFault, type Records } from "./world.ts";

/** A point in the life of one request: what it was answered so far has led to what it waits for now, or to its outcome. */
interface Point {
  readonly id: number;
  readonly request: Request;
  readonly tag: string;
  readonly startedAt: number;
  readonly answers: readonly Answer[];
  readonly waiting: readonly Ask[];
  readonly outcome: Outcome | undefined;
  readonly next: Map<string, Point>;
  /** The run that led here, for the first of those who go on from here; the others begin again. */
  run: RealRequest | undefined;
}

interface Answer {
  readonly at: number;
  /** JSON; `undefined`: an error. */
  readonly answer: string | undefined;
  readonly now: number;
}

/**
 * What requests do, as the real code does it. A request is alone in its process, so what it does next depends on nothing but the
 * answers it was given, and the times of these. For each such history the code is run once; interleavings share it.
 */
export class Requests {
  readonly #starts = new Map<string, Point>();
  #points = 0;
  /** How often a request was run through the code, and how many steps it took in all. */
  runs = 0;
  steps = 0;

  start(request: Request, tag: string, now: number): Point | Promise<Point> {
    const key = `${request.name} ${tag} ${request.cookie} ${now}`;
    return this.#starts.get(key) ?? this.#run(request, tag, now, [], this.#starts, key);
  }

  next(point: Point, answer: Answer): Point | Promise<Point> {
    const key = `${answer.at} ${answer.now} ${answer.answer}`;
    const { request, tag, startedAt } = point;
    return (
      point.next.get(key) ?? this.#run(request, tag, startedAt, [...point.answers, answer], point.next, key, point)
    );
  }

  async #run(
    request: Request,
    tag: string,
    startedAt: number,
    answers: readonly Answer[],
    among: Map<string, Point>,
    key: string,
    before?: Point,
  ): Promise<Point> {
    let real = before?.run;
    if (before !== undefined) before.run = undefined;
    const isFresh = real === undefined;
    if (real === undefined) {
      real = new RealRequest(request, tag);
      await real.start(startedAt);
      this.runs++;
    }
    for (const { at, answer, now } of isFresh ? answers : answers.slice(-1)) await real.answer(at, answer, now);
    this.steps += isFresh ? answers.length : 1;
    const waiting = real.waiting.map(({ ask }) => ask);
    const id = this.#points++;
    const { outcome } = real;
    const run = outcome === undefined ? real : undefined;
    const point = { id, request, tag, startedAt, answers, waiting, outcome, next: new Map(), run };
    among.set(key, point);
    return point;
  }
}

/** One of the things that run at the same time: a request, or the passing of time. */
export type Actor = Request | { readonly name: string; readonly passes: number };

/** How one actor stands. */
export interface Slot {
  readonly actor: Actor;
  readonly tag: string;
  readonly point: Point | undefined;
  readonly isDone: boolean;
  /** Its connection is gone: all of its further steps fail. */
  readonly isCut: boolean;
  /** Those that were done, and those that had begun, when it began. */
  readonly doneBefore: readonly number[];
  readonly begunBefore: readonly number[];
}

export interface World {
  readonly records: Records;
  readonly now: number;
  readonly slots: readonly Slot[];
  readonly faults: number;
  /** Keys of records that were removed or expired, or never to be there again. */
  readonly ended: ReadonlySet<string>;
}

export interface Exploration {
  /** Interleavings, each with each placing of a fault. */
  interleavings: number;
  /** Different situations that they came through. */
  situations: number;
  endings: number;
  readonly violations: string[];
}

export interface Options {
  readonly faults: number;
  readonly engine?: EngineFault | undefined;
  /** Judges how it ended. */
  readonly judge: (world: World) => Promise<string[]>;
  /** Ends the exploration at this many violations. */
  readonly most?: number;
}

/** A request counts as begun with its first step, unless the moment of its arrival matters by itself. */
const ARRIVES = /^log in/;
const texts = new WeakMap<Records, string>();

/** All interleavings of the actors' steps. */
export async function explore(
  requests: Requests,
  records: Records,
  now: number,
  actors: readonly Actor[],
  { faults, engine, judge, most = 3 }: Options,
): Promise<Exploration> {
  const result: Exploration = { interleavings: 0, situations: 0, endings: 0, violations: [] };
  const counted = new Map<string, number>();
  const trail: string[] = [];
  const twins = actors.map(({ name }, at) => actors.findIndex((other) => other.name === name) !== at);

  const report = (what: string) => result.violations.push(`${what}\n    ${trail.join("\n    ")}`);

  const visit = async (world: World): Promise<number> => {
    const key = keyOf(world);
    const known = counted.get(key);
    if (known !== undefined) return known;
    result.situations++;
    let paths = 0;
    if (world.slots.every(({ isDone }) => isDone)) {
      result.endings++;
      for (const violation of await judge(world)) report(violation);
      paths = 1;
    }
    for (const [at, slot] of world.slots.entries()) {
      if (slot.isDone || result.violations.length >= most) continue;
      // Of equal actors the first begins first: the other way round is the same.
      if (!hasBegun(slot) && twins[at] && !hasBegun(world.slots[twinOf(actors, at)]!)) continue;
      paths += await move(world, at, slot);
    }
    counted.set(key, paths);
    return paths;
  };

  const move = async (world: World, at: number, slot: Slot): Promise<number> => {
    const { actor } = slot;
    if ("passes" in actor) {
      const passed = { ...world, now: world.now + actor.passes };
      return follow(`${actor.name}`, {
        ...passed,
        ended: new Set([...world.ended, ...[...world.records].filter(([, { expiresAt }]) => expiresAt <= passed.now).map(([key]) => key)]),
        slots: world.slots.with(at, { ...slot, isDone: true }),
      });
    }
    if (slot.point === undefined) {
      const time = world.now + 10;
      const begun = {
        ...slot,
        point: await requests.start(actor, slot.tag, time),
        doneBefore: indexes(world.slots, ({ isDone }) => isDone),
        begunBefore: indexes(world.slots, hasBegun),
      };
      const next = { ...world, now: time, slots: world.slots.with(at, begun) };
      const name = `${actor.name} [${at}] begins`;
      if (begun.point.outcome !== undefined)
        return follow(name, { ...next, slots: next.slots.with(at, { ...begun, isDone: true }) });
      if (ARRIVES.test(actor.name)) return follow(name, next);
      trail.push(name);
      const paths = await move(next, at, begun);
      trail.pop();
      return paths;
    }
    let paths = 0;
    for (const [which, ask] of slot.point.waiting.entries()) {
      const label = `${actor.name} [${at}] ${"key" in ask ? `${ask.step} ${ask.key}` : ask.step}`;
      // Steps on what belongs to an owner take time, so that earlier and later can be told apart.
      const isOwners = "key" in ask && ask.key.startsWith("owner:") && ask.step !== "read";
      const time = isOwners ? world.now + 1 : world.now;
      const done = perform(world.records, ask, time, engine);
      const before = { ...world, now: time };
      const after = { ...before, records: done.records };
      const ended = new Set(world.ended);
      let isRevived = false;
      if (done.changed !== undefined && !done.changed.startsWith("owner:")) {
        // A session's own request may insert it again after its answer was lost: no visitor has its token yet.
        const isOwn = ask.step === "insert" && !records.has(done.changed);
        isRevived = ended.has(done.changed) && done.records.has(done.changed) && !isOwn;
        if (!done.records.has(done.changed)) ended.add(done.changed);
      }
      const applied = { ...after, ended };
      if (isRevived) {
        trail.push(label);
        report(`a session that had ended is there again: ${done.changed}`);
        trail.pop();
        continue;
      }
      paths += await follow(`${label} → ${shown(done.answer)}`, await told(applied, at, slot, which, done.answer));
      if (world.faults === 0) continue;
      const failed = { ...before, faults: world.faults - 1 };
      paths += await follow(`${label} FAILS`, await told(failed, at, slot, which, undefined));
      paths += await follow(`${label} FAILS for good`, await cut(failed, at, slot, which));
      // Where nothing was changed, a lost answer is like a step that failed.
      if (done.changed === undefined) continue;
      const unheard = { ...applied, faults: world.faults - 1 };
      paths += await follow(`${label} is DONE, ANSWER LOST`, await told(unheard, at, slot, which, undefined));
      paths += await follow(`${label} is DONE, ANSWER LOST, and cut off`, await cut(unheard, at, slot, which));
    }
    return paths;
  };

  const told = async (
    world: World,
    at: number,
    slot: Slot,
    which: number,
    answer: string | undefined,
  ): Promise<World> => {
    const point = await requests.next(slot.point!, { at: which, answer, now: world.now });
    const isDone = point.outcome !== undefined;
    return { ...world, slots: world.slots.with(at, { ...slot, point, isDone }) };
  };

  const cut = async (world: World, at: number, slot: Slot, which: number): Promise<World> => {
    let point = await requests.next(slot.point!, { at: which, answer: undefined, now: world.now });
    while (point.outcome === undefined)
      point = await requests.next(point, { at: 0, answer: undefined, now: world.now });
    return { ...world, slots: world.slots.with(at, { ...slot, point, isDone: true, isCut: true }) };
  };

  const follow = async (label: string, world: World): Promise<number> => {
    trail.push(label);
    const paths = await visit(world);
    trail.pop();
    return paths;
  };

  const slots = actors.map((actor, at) => ({
    actor,
    tag: String(at),
    point: undefined,
    isDone: false,
    isCut: false,
    doneBefore: [],
    begunBefore: [],
  }));
  result.interleavings = await visit({ records, now, slots, faults, ended: new Set() });
  return result;
}

function twinOf(actors: readonly Actor[], at: number): number {
  return actors.findLastIndex((other, index) => index < at && other.name === actors[at]!.name);
}

function hasBegun({ point, isDone }: Slot): boolean {
  return point !== undefined || isDone;
}

function indexes(slots: readonly Slot[], test: (slot: Slot) => boolean): number[] {
  return slots.flatMap((slot, at) => (test(slot) ? [at] : []));
}

function keyOf({ records, now, slots, faults, ended }: World): string {
  let text = texts.get(records);
  if (text === undefined) {
    text = textOf(records);
    texts.set(records, text);
  }
  const stands = slots.map(
    ({ actor, point, isDone, isCut, doneBefore, begunBefore }) =>
      `${point?.id ?? "-"}${isDone ? "d" : ""}${isCut ? "c" : ""}${/everywhere|write/.test(actor.name) ? `${doneBefore}/${begunBefore}` : ""}`,
  );
  return `${now} ${faults} ${stands.join(" ")} ${[...ended].toSorted().join()} ${text}`;
}

function shown(answer: string): string {
  const value = JSON.parse(answer) as { status?: string } | null | boolean;
  return typeof value === "object" && value !== null ? (value.status ?? "found") : String(value);
}
