import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Store, Write } from "../../stores/parts/store.ts";
import { newToken } from "../../stores/parts/token.ts";
import { testClock, type TestClock } from "../clock.ts";

/** The two functions of a test runner that the contract needs: vitest, jest, mocha, `node:test` and `bun:test` have them. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** The argument of a factory. */
export interface StoreTools {
  /** The clock that the store should use. */
  readonly clock: TestClock;
  /**
   * Await this before each command that is sent to the engine. Optional; it lets the contract count commands, and remove
   * records between two of them (SEC-12).
   */
  readonly beforeCommand: () => Promise<void>;
}

/** A store, and direct access to its engine. */
export interface StoreUnderTest {
  readonly store: Store;
  /** The same records through another connection or process. Default: `store` itself. */
  readonly another?: Store;
  /** Makes a stored record undecodable. */
  readonly corrupt?: (key: string) => Promise<unknown>;
  /** Everything that is stored under a key, as text. */
  readonly dump?: (key: string) => Promise<string>;
  /** Makes the engine unreachable and reachable again. */
  readonly outage?: { begin(): Promise<unknown>; end(): Promise<unknown> };
  /** Closes what the factory opened. */
  readonly close?: () => Promise<unknown> | unknown;
}

/** Creates the store, once for the whole contract. */
export type StoreFactory = (tools: StoreTools) => StoreUnderTest | Promise<StoreUnderTest>;

/** Which parts of the contract to run, and how many rounds. */
export interface StoreCapabilities {
  /** Each step is atomic, like `store.atomic`. Otherwise races are omitted. Default true. */
  readonly atomic?: boolean;
  /** The store uses `clock`. Otherwise the tests of lifetimes are omitted. Default true. */
  readonly movesTime?: boolean;
  /** The factory awaits `beforeCommand`. Default false. */
  readonly countsCommands?: boolean;
  /** The factory returns `corrupt`. Default false. */
  readonly corrupts?: boolean;
  /** The factory returns `outage`. Default false. */
  readonly stops?: boolean;
  /** Maximum length of a record's text in bytes of UTF-8. Default: unlimited. */
  readonly maxBytes?: number;
  /** Fraction of the full number of rounds and records; use 1 before a release. Default 0.05. */
  readonly scale?: number;
  /** The seed, to repeat a run; the title of the contract has it. Default: random. */
  readonly seed?: number;
}

/** State and helpers for the parts of the contract. */
export interface Kit extends TestRunner {
  readonly capabilities: Required<StoreCapabilities>;
  readonly clock: TestClock;
  /** The store under test, created at the first call. */
  open(): Promise<StoreUnderTest & { another: Store }>;
  /** `full` rounds at scale 1, at least `least`. */
  rounds(full: number, least?: number): number;
  /** Inserts a record under a new key. */
  record(store: Store, text?: string, lifetime?: number): Promise<{ key: string; commit: string }>;
  /** Waits for a short random time, often none, to vary the interleaving of parallel calls. */
  jitter(): Promise<void>;
  /** Called before every command while it is set. */
  onCommand: (() => Promise<void>) | undefined;
}

const HOUR = 3600;

/** A write with a fresh commit id. */
export function write(text: string, lifetime = HOUR): Write {
  return { text, commit: newId(), lifetime };
}

/** A unique key or commit id. */
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
      if (!(await store.insert(key, given))) throw new Error("insert returned false for a new key");
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

/** Mulberry32, a seeded generator. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
