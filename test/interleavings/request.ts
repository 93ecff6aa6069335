import { session, SessionManager, type SessionOptions } from "../../src/index.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { StoreError } from "../../src/errors.ts";
import { ownRandom, useRandom } from "./random.ts";
import type { Ask } from "./world.ts";

/** What a request does, whom it comes from, and under which settings. */
export interface Request {
  readonly name: string;
  readonly cookie: string;
  readonly options: SessionOptions;
  readonly view: (tag: string, manager: SessionManager) => unknown;
}

/** What came of a request, as far as its visitor is told. */
export interface Outcome {
  /** "ok", or the code of the error that the visitor gets instead of an answer. */
  readonly status: string;
  /** What the handler gave. */
  readonly seen?: unknown;
  /** Whether the request found a session. */
  readonly found?: boolean;
  /** The cookie that was sent: `undefined` for none, "" for its deletion. */
  readonly cookie?: string;
}

interface Waiting {
  readonly ask: Ask;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const turn = () => new Promise(setImmediate);

/**
 * One request through the real code, from its opening to its save, over a store of which each step waits until it is given
 * an answer. What it does depends on those answers, on the time and on its own random numbers, which are the same at every run.
 */
export class RealRequest {
  readonly waiting: Waiting[] = [];
  outcome: Outcome | undefined;
  #found: Pick<Outcome, "found"> = {};
  readonly #request: Request;
  readonly #tag: string;
  readonly #random: (bytes: number) => Buffer;
  readonly #process: Process;

  constructor(request: Request, tag: string, plant?: Plant) {
    this.#request = request;
    this.#tag = tag;
    this.#random = ownRandom(`${request.name} ${tag}`);
    this.#process = idleProcess(request.options, plant);
    this.#process.ask = (ask) =>
      new Promise((resolve, reject) => void this.waiting.push({ ask, resolve, reject }));
  }

  async start(now: number): Promise<void> {
    await this.#until(now, () => {
      this.#handle().then(
        (outcome) => (this.outcome = { ...outcome, ...this.#found }),
        (error: unknown) => {
          const { code, stack } = error as { code?: string; stack?: string };
          this.outcome = { status: code ?? `unexpected: ${stack}`, ...this.#found };
        },
      );
    });
  }

  /** Gives a waiting step its answer (JSON), or `undefined` for an error, and waits until nothing goes on by itself. */
  async answer(at: number, answer: string | undefined, now: number): Promise<void> {
    await this.#until(now, () => {
      const [step] = this.waiting.splice(at, 1);
      if (answer === undefined) step!.reject(new StoreError("unavailable", "cut off on purpose"));
      else step!.resolve(valueOf(step!.ask, answer));
    });
  }

  async #until(now: number, act: () => void): Promise<void> {
    this.#process.now = now;
    useRandom(this.#random);
    act();
    await turn();
    if (this.outcome !== undefined) leave(this.#process);
    else if (this.waiting.length === 0)
      throw new Error("the request waits for something else than the store");
  }

  async #handle(): Promise<Outcome> {
    const { cookie: Cookie, view } = this.#request;
    const { manager } = this.#process;
    if (Cookie === MANAGER) return { status: "ok", seen: await view(this.#tag, manager) };
    const headers = new Headers();
    const context = manager.requestContext({ headers: new Headers({ Cookie }) });
    await context.opening;
    const seen = await context.run(async () => {
      this.#found = { found: !session.isNew };
      return view(this.#tag, manager);
    });
    await context.save({ status: 200, headers });
    const [line] = headers.getSetCookie();
    const cookie = line?.includes("Max-Age=0") ? "" : line?.split(";")[0];
    return { status: "ok", seen, ...(cookie !== undefined && { cookie }) };
  }
}

/** Faults that are put between the code and its store, to see that they are found. */
export type Plant = "retry without commit id" | "rotation without grace";

/** A process of an app: it has one request at a time here, and another one when that is done. */
interface Process {
  now: number;
  ask: (ask: Ask) => Promise<unknown>;
  readonly manager: SessionManager;
  readonly kind: string;
}

const idle = new Map<string, Process[]>();

function idleProcess(options: SessionOptions, plant: Plant | undefined): Process {
  const kind = `${JSON.stringify(options)} ${plant}`;
  return idle.get(kind)?.pop() ?? newProcess(options, plant, kind);
}

function leave(process: Process): void {
  idle.set(process.kind, [...(idle.get(process.kind) ?? []), process]);
}

function newProcess(options: SessionOptions, plant: Plant | undefined, kind: string): Process {
  const ask = <Answer>(what: Ask) => process.ask(what) as Promise<Answer>;
  const store: Store = {
    name: "A store that waits",
    atomic: true,
    read: (key) => ask({ step: "read", key }),
    insert: (key, write) => ask({ step: "insert", key, write }),
    replace: (key, expected, write) => ask({ step: "replace", key, expected, write }),
    remove: (key, expected) => ask({ step: "remove", key, expected }),
    readMany: (keys) => ask({ step: "readMany", keys }),
    now: () => process.now,
  };
  const manager = new SessionManager({
    secretKey: "interleavings",
    now: () => process.now,
    store: plant === "retry without commit id" ? forgetful(store) : store,
    ...options,
    storeOptions: {
      sweepEvery: 0,
      lostWrites: "throw",
      storeTimeout: 600,
      rotationGrace: plant === "rotation without grace" ? 0 : 600,
      ...options.storeOptions,
    },
  });
  const process: Process = { now: 0, ask: () => new Promise(() => {}), manager, kind };
  return process;
}

/** The same store, where a writer who sends a step again cannot tell its own commit from another's. */
function forgetful(store: Store): Store {
  const sent = new Set<string>();
  const disguise = (id: string) => [...id].toReversed().join("");
  const known = new Map<string, string>();
  return {
    ...store,
    async replace(key, expected, write) {
      const isRepeated = sent.has(write.commit);
      sent.add(write.commit);
      const answer = await store.replace(key, known.get(expected) ?? expected, write);
      if (!isRepeated || answer.status !== "conflict" || answer.current.commit !== write.commit)
        return answer;
      const commit = disguise(write.commit);
      known.set(commit, write.commit);
      return { status: "conflict", current: { ...answer.current, commit } };
    },
  };
}

/** Stands for the cookie of what is no visitor: a call of the manager. */
export const MANAGER = "(manager)";

function valueOf(ask: Ask, answer: string): unknown {
  const value = JSON.parse(answer) as unknown;
  if (ask.step === "readMany") return new Map(value as Array<[string, unknown]>);
  return value === null ? undefined : value;
}
