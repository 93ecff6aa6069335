import { RealRequest, type Outcome, type Plant, type Request } from "./request.ts";
import { perform, textOf, type Ask, type Done, type EngineFault, type Records } from "./world.ts";

/** A point in the life of one request: what it was answered so far has led to what it waits for now, or to its outcome. */
interface Point {
  readonly id: number;
  readonly request: Request;
  readonly tag: string;
  readonly startedAt: number;
  readonly answers: readonly Answer[];
  readonly waiting: readonly Ask[];
  readonly outcome: Outcome | undefined;
  /** By answer, and then by the rest of it: to hash a long text that was put together anew costs more than all else. */
  readonly next: Map<string | undefined, Map<number, Point>>;
  /** The run that led here, for the first of those who go on from here; the others begin again. */
  run: RealRequest | undefined;
}

interface Answer {
  readonly at: number;
  /** JSON; `undefined`: an error. */
  readonly answer: string | undefined;
  readonly now: number;
}

/** Steps that a request waits for at the same time. */
const MOST_WAITING = 64;

/**
 * What requests do, as the real code does it. A request is alone in its process, so what it does next depends on nothing but the
 * answers it was given, and the times of these. For each such history the code is run once; interleavings share it.
 */
export class Requests {
  readonly #plant: Plant | undefined;
  readonly #starts = new Map<string, Point>();
  readonly #outcomes = new Map<string, number>();
  #points = 0;
  /** How often a request was run through the code, and how many steps it took in all. */
  runs = 0;
  steps = 0;

  /** @param plant a fault to be found */
  constructor(plant?: Plant) {
    this.#plant = plant;
  }

  start(request: Request, tag: string, now: number): Point | Promise<Point> {
    const key = `${request.name} ${tag} ${request.cookie} ${now}`;
    return this.#starts.get(key) ?? this.#begin(request, tag, now, key);
  }

  next(point: Point, answer: Answer): Point | Promise<Point> {
    let among = point.next.get(answer.answer);
    if (among === undefined) point.next.set(answer.answer, (among = new Map()));
    const key = answer.now * MOST_WAITING + answer.at;
    return among.get(key) ?? this.#goOn(point, answer, among, key);
  }

  async #begin(request: Request, tag: string, now: number, key: string): Promise<Point> {
    const point = this.#point(await this.#run(request, tag, now, []), request, tag, now, []);
    this.#starts.set(key, point);
    return point;
  }

  async #goOn(before: Point, answer: Answer, among: Map<number, Point>, key: number): Promise<Point> {
    const { request, tag, startedAt, run } = before;
    const answers = [...before.answers, answer];
    before.run = undefined;
    if (run !== undefined) await this.#give(run, [answer]);
    const real = run ?? (await this.#run(request, tag, startedAt, answers));
    const point = this.#point(real, request, tag, startedAt, answers);
    among.set(key, point);
    return point;
  }

  async #run(
    request: Request,
    tag: string,
    startedAt: number,
    answers: readonly Answer[],
  ): Promise<RealRequest> {
    const real = new RealRequest(request, tag, this.#plant);
    await real.start(startedAt);
    this.runs++;
    await this.#give(real, answers);
    return real;
  }

  async #give(real: RealRequest, answers: readonly Answer[]): Promise<void> {
    for (const { at, answer, now } of answers) await real.answer(at, answer, now);
    this.steps += answers.length;
  }

  #point(
    real: RealRequest,
    request: Request,
    tag: string,
    startedAt: number,
    answers: readonly Answer[],
  ): Point {
    const { outcome } = real;
    const waiting = real.waiting.map(({ ask }) => ask);
    const id = outcome === undefined ? this.#points++ : this.#outcomeId(outcome);
    const run = outcome === undefined ? real : undefined;
    return { id, request, tag, startedAt, answers, waiting, outcome, next: new Map(), run };
  }

  /** Once a request is done, nothing but what it came to makes a difference. */
  #outcomeId(outcome: Outcome): number {
    const text = JSON.stringify(outcome);
    const id = this.#outcomes.get(text) ?? -1 - this.#outcomes.size;
    this.#outcomes.set(text, id);
    return id;
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
  /** Of those with whom it is asked who came first: those that were done, and those that had begun, when it began. */
  readonly doneBefore: readonly number[];
  readonly begunBefore: readonly number[];
  /** The same for all slots that are alike. */
  readonly number: number;
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

/**
 * A request counts as begun with its first step, unless the moment of its arrival matters by itself: that of a login, where all
 * sessions are ended as well.
 */
const LOGIN = /^log in/;

/** One thing that happens, for the story of a violation. */
interface Event {
  readonly at: number;
  readonly ask?: Ask;
  readonly what: string;
}

/** Counts the interleavings from here on. It waits for nothing but code that was not run with this history before. */
type Walk = Generator<Promise<unknown>, number, unknown>;

/** One thing that may happen to a step. */
interface Turn {
  readonly base: World;
  readonly which: number;
  /** What the request is told. */
  readonly answer: string | undefined;
  readonly isCut: boolean;
  readonly what: string;
}

/** Whether it is asked, when all is over, which of the two came first. */
function isOrdered(one: string, other: string): boolean {
  const isEnd = (name: string) => name === "log out everywhere";
  const isLogin = (name: string) => LOGIN.test(name);
  return (
    (one === other && one.startsWith("write")) ||
    (isEnd(one) && isLogin(other)) ||
    (isLogin(one) && isEnd(other))
  );
}

/** All interleavings of the actors' steps. Situations that were seen before are counted, and not gone through again. */
export async function explore(
  requests: Requests,
  records: Records,
  now: number,
  actors: readonly Actor[],
  { faults, engine, judge, most = 3 }: Options,
): Promise<Exploration> {
  const result: Exploration = { interleavings: 0, situations: 0, endings: 0, violations: [] };
  const counted = new Map<string, number>();
  const stores = new Stores(engine);
  const numbers = new Numbers();
  const trail: Event[] = [];
  const twins = actors.map((_, at) =>
    actors.findLastIndex((other, i) => i < at && other.name === actors[at]!.name),
  );
  const rivals = actors.map(({ name }, at) =>
    [...actors.keys()].filter((other) => other !== at && isOrdered(name, actors[other]!.name)),
  );
  const withSlot = ({ slots }: World, at: number, slot: Omit<Slot, "number">) =>
    slots.with(at, { ...slot, number: numbers.ofSlot(slot) });
  const nameOf = (at: number) => `${actors[at]!.name} [${at}]`;

  const report = (what: string) => {
    const story = trail.map(({ at, ask, what }) => {
      const step = ask === undefined ? "" : ` ${ask.step}${"key" in ask ? ` ${ask.key}` : ""}`;
      return `\n    ${nameOf(at)}${step}: ${what}`;
    });
    result.violations.push(what + story.join(""));
  };

  function* visit(world: World, key: string): Walk {
    result.situations++;
    let paths = 0;
    if (world.slots.every(({ isDone }) => isDone)) {
      result.endings++;
      for (const violation of (yield judge(world)) as string[]) report(violation);
      paths = 1;
    }
    for (const [at, slot] of world.slots.entries()) {
      if (slot.isDone || result.violations.length >= most) continue;
      // Of equal actors the first begins first: the other way round is the same.
      const twin = world.slots[twins[at]!];
      if (!hasBegun(slot) && twin !== undefined && !hasBegun(twin)) continue;
      paths += yield* hasBegun(slot) ? move(world, at, slot) : begin(world, at, slot);
    }
    counted.set(key, paths);
    return paths;
  }

  function* follow(event: Event, world: World): Walk {
    const { now, faults, ended, slots } = world;
    let key = `${stores.idOf(world.records)} ${numbers.of(`${now} ${faults} ${[...ended].join()}`)}`;
    for (const slot of slots) key += ` ${slot.number}`;
    const known = counted.get(key);
    if (known !== undefined) return known;
    trail.push(event);
    const paths = yield* visit(world, key);
    trail.pop();
    return paths;
  }

  function* begin(world: World, at: number, slot: Slot): Walk {
    const { actor } = slot;
    const event = { at, what: "begins" };
    if ("passes" in actor) {
      const time = world.now + actor.passes;
      const over = [...world.records].filter(([, { expiresAt }]) => expiresAt <= time).map(([key]) => key);
      const ended = new Set([...world.ended, ...over]);
      return yield* follow(event, {
        ...world,
        now: time,
        ended,
        slots: withSlot(world, at, { ...slot, isDone: true }),
      });
    }
    const time = world.now + 10;
    const started = requests.start(actor, slot.tag, time);
    const point = started instanceof Promise ? ((yield started) as Point) : started;
    const begun = {
      ...slot,
      point,
      isDone: point.outcome !== undefined,
      doneBefore: rivals[at]!.filter((other) => world.slots[other]!.isDone),
      begunBefore: rivals[at]!.filter((other) => hasBegun(world.slots[other]!)),
    };
    const next = { ...world, now: time, slots: withSlot(world, at, begun) };
    if (begun.isDone || rivals[at]!.some((other) => actors[other]!.name !== actor.name))
      return yield* follow(event, next);
    trail.push(event);
    const paths = yield* move(next, at, next.slots[at]!);
    trail.pop();
    return paths;
  }

  function* move(world: World, at: number, slot: Slot): Walk {
    let paths = 0;
    for (const { base, which, answer, isCut, what } of turns(world, slot)) {
      const { now } = base;
      const found = requests.next(slot.point!, { at: which, answer, now });
      let point = found instanceof Promise ? ((yield found) as Point) : found;
      // oxlint-disable-next-line no-unmodified-loop-condition -- the other condition ends it
      while (isCut && point.outcome === undefined) {
        const next = requests.next(point, { at: 0, answer: undefined, now });
        point = next instanceof Promise ? ((yield next) as Point) : next;
      }
      const isDone = point.outcome !== undefined;
      const next = { ...base, slots: withSlot(base, at, { ...slot, point, isDone, isCut }) };
      const event = { at, ask: slot.point!.waiting[which]!, what };
      paths += yield* follow(event, next);
    }
    return paths;
  }

  /** What may become of the steps that a request waits for, and what is stored then. */
  function* turns(world: World, slot: Slot): Generator<Turn> {
    for (const [which, ask] of slot.point!.waiting.entries()) {
      const { records: stored, answer, changed } = stores.perform(world.records, ask, world.now);
      let { ended } = world;
      if (changed !== undefined && !changed.startsWith("owner:")) {
        if (!stored.has(changed)) ended = new Set([...ended, changed]);
        // A session's own request may insert it again after its answer was lost: no visitor has its token yet.
        const isOwn = ask.step === "insert" && !records.has(changed);
        if (ended.has(changed) && stored.has(changed) && !isOwn) {
          report(`a session that had ended is there again: ${changed} (${ask.step})`);
          continue;
        }
      }
      const after = { ...world, records: stored, ended };
      yield { base: after, which, answer, isCut: false, what: answer };
      if (world.faults === 0) continue;
      const faults = world.faults - 1;
      const failed = { base: { ...world, faults }, which, answer: undefined };
      yield { ...failed, isCut: false, what: "FAILED" };
      yield { ...failed, isCut: true, what: "FAILED, and all that this request sends from now on" };
      // Where nothing was changed, a lost answer is like a step that failed.
      if (changed === undefined) continue;
      const done = { base: { ...after, faults }, which, answer: undefined };
      yield { ...done, isCut: false, what: "DONE, and its answer lost" };
      yield { ...done, isCut: true, what: "DONE, its answer lost, and the connection for good" };
    }
  }

  const slots = actors.map((actor, at) => ({
    actor,
    tag: String(at),
    point: undefined,
    isDone: false,
    isCut: false,
    doneBefore: [],
    begunBefore: [],
    number: -1,
  }));
  const walk = visit({ records, now, slots, faults, ended: new Set() }, "begin");
  let step = walk.next();
  while (!step.done) step = walk.next(await step.value);
  result.interleavings = step.value;
  return result;
}

function hasBegun({ point, isDone }: Slot): boolean {
  return point !== undefined || isDone;
}

/** A number for each text, since short keys are found faster than long ones. */
class Numbers {
  readonly #known = new Map<string, number>();

  of(text: string): number {
    let number = this.#known.get(text);
    if (number === undefined) this.#known.set(text, (number = this.#known.size));
    return number;
  }

  ofSlot({ point, isDone, isCut, doneBefore, begunBefore }: Omit<Slot, "number">): number {
    return this.of(`${point?.id ?? isDone} ${isCut} ${doneBefore.join()}/${begunBefore.join()}`);
  }
}

/** Everything that was ever stored, so that equal contents are one object and each step on one is worked out once. */
class Stores {
  readonly #engine: EngineFault | undefined;
  readonly #ids = new WeakMap<Records, number>();
  readonly #byText = new Map<string, Records>();
  readonly #done = new WeakMap<Records, Map<Ask, Map<number, Done>>>();

  constructor(engine: EngineFault | undefined) {
    this.#engine = engine;
  }

  idOf(records: Records): number {
    const known = this.#ids.get(records);
    if (known !== undefined) return known;
    const same = this.#byText.get(textOf(records));
    const id = same === undefined ? this.#byText.size : this.#ids.get(same)!;
    if (same === undefined) this.#byText.set(textOf(records), records);
    this.#ids.set(records, id);
    return id;
  }

  perform(records: Records, ask: Ask, now: number): Done {
    const asked = this.#done.get(records) ?? new Map<Ask, Map<number, Done>>();
    this.#done.set(records, asked);
    const times = asked.get(ask) ?? new Map<number, Done>();
    asked.set(ask, times);
    const known = times.get(now);
    if (known !== undefined) return known;
    const done = perform(records, ask, now, this.#engine);
    this.idOf(done.records);
    const result = { ...done, records: this.#byText.get(textOf(done.records))! };
    times.set(now, result);
    return result;
  }
}
