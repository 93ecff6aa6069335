import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Fields } from "../../json/fields.ts";
import type { Expiry, NewSession, SessionRecord, SessionStore } from "../../stores/verbs.ts";
import { newToken, type Token } from "../../stores/token.ts";
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
   * commands and ends sessions between two of them (SEC-12).
   */
  readonly beforeCommand: () => Promise<void>;
}

/** A store, and what the contract may do to its engine behind its back. */
export interface StoreUnderTest {
  readonly store: SessionStore;
  /** The same data through another connection or process. Default: `store` itself. */
  readonly another?: SessionStore;
  /** Makes the stored record of this session unreadable. */
  readonly corrupt?: (selector: string) => Promise<unknown>;
  /** All bytes stored for this session, as text. */
  readonly dump?: (selector: string) => Promise<string>;
  /** Makes the engine unreachable and reachable again. */
  readonly outage?: { begin(): Promise<unknown>; end(): Promise<unknown> };
  /** Closes what the factory opened. */
  readonly close?: () => Promise<unknown> | unknown;
}

/** Builds the store, once for the whole contract. */
export type StoreFactory = (tools: StoreTools) => StoreUnderTest | Promise<StoreUnderTest>;

/** What of the contract applies, and how much of it. */
export interface StoreCapabilities {
  /** The factory passes the clock on. Without it, everything about time is left out. Default true. */
  readonly movesTime?: boolean;
  /** Sessions can be claimed and listed by owner, as `traits.indexed` says. Default true. */
  readonly indexed?: boolean;
  /** The factory awaits `beforeCommand`. Default false. */
  readonly countsCommands?: boolean;
  /** The engine removes expired records by its own clock, which does not move, and `deleteExpired` has none to remove. Default false. */
  readonly expiresItself?: boolean;
  /** The factory gives `corrupt`. Default false. */
  readonly corrupts?: boolean;
  /** The factory gives `outage`. Default false. */
  readonly stops?: boolean;
  /** Part of the full number of rounds and records, 1 being the published figures. Default 0.05. */
  readonly scale?: number;
  /** Repeats a run: the seed is in the title of the contract. Default: random. */
  readonly seed?: number;
}

/** What the parts of the contract share. */
export interface Kit extends TestRunner {
  readonly capabilities: Required<StoreCapabilities>;
  readonly clock: TestClock;
  readonly random: () => number;
  /** Opens the store under test at the first call. */
  open(): Promise<StoreUnderTest & { another: SessionStore }>;
  /** `full` rounds at scale 1, at least `least`. */
  rounds(full: number, least?: number): number;
  /** Creates a session. */
  session(store: SessionStore, given?: Partial<NewSession>): Promise<Token>;
  /** Waits a random moment, mostly none, so that parallel calls interleave in many ways. */
  jitter(): Promise<void>;
  /** Called before every command while it is set. */
  onCommand: (() => Promise<void>) | undefined;
}

export const HOUR: Expiry = { idle: 3600 };

export function createKit(runner: TestRunner, factory: StoreFactory, given: StoreCapabilities): Kit {
  const capabilities = {
    movesTime: given.movesTime ?? true,
    indexed: given.indexed ?? true,
    countsCommands: given.countsCommands ?? false,
    expiresItself: given.expiresItself ?? false,
    corrupts: given.corrupts ?? false,
    stops: given.stops ?? false,
    scale: given.scale ?? 0.05,
    seed: given.seed ?? Math.floor(Math.random() * 2 ** 32),
  };
  const clock = testClock();
  const random = seededRandom(capabilities.seed);
  let opened: Promise<StoreUnderTest & { another: SessionStore }> | undefined;

  const kit: Kit = {
    ...runner,
    capabilities,
    clock,
    random,
    onCommand: undefined,
    open: () => (opened ??= build()),
    rounds: (full, least = 3) => Math.max(least, Math.ceil(full * capabilities.scale)),
    async session(store, fields = {}) {
      const token = newToken();
      const { selector, verifierHash } = token;
      const answer = await store.create({
        selector,
        verifierHash,
        fields: new Map(),
        expiry: HOUR,
        ...fields,
      });
      if (answer.status !== "ok") throw new Error(`create answered ${JSON.stringify(answer)}`);
      return token;
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

export function fieldsOf(object: Record<string, string>): Fields {
  return new Map(Object.entries(object));
}

/** The record of a session that has to be there. */
export async function recordOf(store: SessionStore, selector: string): Promise<SessionRecord> {
  const found = await store.read(selector);
  if (found.status !== "ok")
    throw new Error(`read answered "${found.status}" for a session that should be live`);
  return found.record;
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
