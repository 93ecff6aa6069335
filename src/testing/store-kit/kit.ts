import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Store, Write } from "../../stores/parts/store.ts";
import { newToken } from "../../stores/parts/token.ts";
import { testClock, type TestClock } from "../clock.ts";

/** The two functions of a test runner that the contract needs: vitest, jest, mocha, `node:test` and `bun:test` have them. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** What a factory gets to build its store with. */
export interface StoreTools {
  /** The time the store should live by. */
  readonly clock: TestClock;
  /**
   * Await this before every single command that is sent to the engine. Optional; with it the contract counts
   * commands, and removes records between two of them (SEC-12).
   */
  readonly beforeCommand: () => Promise<void>;
}

/** A store, and what the contract may do to its engine directly. */
export interface StoreUnderTest {
  readonly store: Store;
  /** The same records through another connection or process. Default: `store` itself. */
  readonly another?: Store;
  /** Makes a stored record unreadable. */
  readonly corrupt?: (key: string) => Promise<unknown>;
  /** Everything that is stored under a key, as text. */
  readonly dump?: (key: string) => Promise<string>;
  /** Makes the engine unreachable and reachable again. */
  readonly outage?: { begin(): Promise<unknown>; end(): Promise<unknown> };
  /** Closes what the factory opened. */
  readonly close?: () => Promise<unknown> | unknown;
}

/** Builds the store, once for the whole contract. */
export type StoreFactory = (tools: StoreTools) => StoreUnderTest | Promise<StoreUnderTest>;

/** Which parts of the contract apply, and how many rounds they run. */
export interface StoreCapabilities {
  /** Each step is atomic, as `store.atomic` says. Without it, races are left out. Default true. */
  readonly atomic?: boolean;
  /** The store follows `clock`. Without it, everything about time is left out. Default true. */
  readonly movesTime?: boolean;
  /** The factory awaits `beforeCommand`. Default false. */
  readonly countsCommands?: boolean;
  /** The factory gives `corrupt`. Default false. */
  readonly corrupts?: boolean;
  /** The factory gives `outage`. Default false. */
  readonly stops?: boolean;
  /** Bytes of UTF-8 that the largest text of a record may have. Default: any. */
  readonly maxBytes?: number;
  /** Share of the full number of rounds and records; 1 before a release. Default 0.05. */
  readonly scale?: number;
  /** Repeats a run: the seed is in the title of the contract. Default: random. */
  readonly seed?: number;
}

/** What the parts of the contract share. */
export interface Kit extends TestRunner {
  readonly capabilities: Required<StoreCapabilities>;
  readonly clock: TestClock;
  /** Opens the store under test at the first call. */
  open(): Promise<StoreUnderTest & { another: Store }>;
  /** `full` rounds at scale 1, at least `least`. */
  rounds(full: number, least?: number): number;
  /** Inserts a record under a key of its own. */
  record(store: Store, text?: string, lifetime?: number): Promise<{ key: string; commit: string }>;
  /** Waits a random moment, mostly none, so that parallel calls interleave in many ways. */
  jitter(): Promise<void>;
  /** Called before every command while it is set. */
  onCommand: (() => Promise<void>) | undefined;
}

const HOUR = 3600;

/** A write with a fresh commit id. */
export function write(text: string, lifetime = HOUR): Write {
  return { text, commit: newId(), lifetime };
}

/** A key or commit id that nothing else has. */
export function newId(): string {
  return newToken().selector;
}

export function createKit(runner: TestRunner, factory: StoreFactory, given: StoreCapabilities): Kit {
  const capabilities = {
    atomic: given.atomic ?? true,
    movesTime: given.movesTime ?? true,
    countsCommands: given.countsCommands ?? false,
    corrupts: given.corrupts ?? false,
    stops: given.stops ?? false,
    maxBytes: given.maxBytes ?? Infinity,
    scale: given.scale ?? 0.05,
    seed: given.seed ?? Math.floor(Math.random() * 2 ** 32),
  };
  const clock = testClock();
  const random = seededRandom(capabilities.seed);
  let opened: Promise<StoreUnderTest & { another: Store }> | undefined;

  const kit: Kit = {
    ...runner,
    capabilities,
    clock,
    onCommand: undefined,
    open: () => (opened ??= build()),
    rounds: (full, least = 3) => Math.max(least, Math.ceil(full * capabilities.scale)),
    async record(store, text = "text", lifetime = HOUR) {
      const [key, given] = [newId(), write(text, lifetime)];
      if (!(await store.insert(key, given))) throw new Error("insert answered false for a fresh key");
      return { key, commit: given.commit };
    },
    async jitter() {
      const dice = random();
      if (dice < 0.5) return;
      await (dice < 0.8 ? nextTurn() : sleep(random() * 3));
    },
  };
  const build = async () => {
    const under = await factory({ clock, beforeCommand: async () => kit.onCommand?.() });
    return { another: under.store, ...under };
  };
  return kit;
}

/** Mulberry32: the same seed, the same rounds. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
