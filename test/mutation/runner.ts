import { configureGlobal } from "fast-check";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { RunnerTask, RunnerTestCase } from "vitest";
import { VitestTestRunner } from "vitest/runners";
import { getFn } from "vitest/suite";

/** How often each change is reached. */
type Hits = Record<string, number>;

/** What the code with the changes reads and counts; its names are Stryker's. */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number;
  mutantCoverage?: { readonly static: Hits; perTest: Record<string, Hits> };
}

/** What became of the changes; `run.js` begins and reads it. */
interface Outcome {
  /** The test that noticed a change. */
  readonly killed: Record<string, string>;
  /** The tests that did not. */
  readonly survived: Record<string, string[]>;
  /** Tests that fail without a change. */
  readonly failed: string[];
  /** Tests that take too long. */
  readonly slow: string[];
  /** Changes of what runs while a module is loaded. */
  readonly atLoad: Hits;
}

declare global {
  var __stryker__: Switches | undefined;
}

const switches = (globalThis.__stryker__ ??= {});
const folder = process.env.MUTATION_FOLDER!;
const outcomeFile = join(folder, "outcome.json");
/** That of the test files before this one. */
const outcome: Outcome = JSON.parse(readFileSync(outcomeFile, "utf8"));

/** Milliseconds for the samples of a property, instead of a number of them. That one fails is enough. */
const SAMPLING = 25;
configureGlobal({ endOnFailure: true, interruptAfterTimeLimit: SAMPLING });

/** The number of tries and of turns of the event loop, and whether a change is in this try. */
const signs = new Int32Array(new SharedArrayBuffer(8));
setInterval(() => (signs[0]! += 1), 100).unref();
/**
 * Ends this process when a change has looped for two seconds of processor time: then no timer of its own can. It counts no
 * other time, for the machine may be busy with something else.
 */
const watchdog = `
  const { workerData: signs } = require("node:worker_threads");
  const used = () => process.cpuUsage().user + process.cpuUsage().system;
  let last = 0;
  let start = used();
  setInterval(() => {
    if (signs[1] === 0 || signs[0] !== last) start = used();
    else if (used() - start > 2_000_000) process.kill(process.pid, "SIGKILL");
    last = signs[0];
  }, 250);`;
new Worker(watchdog, { eval: true, workerData: signs }).unref();

/** Milliseconds that a test may take longer with a change before it counts as endless, and how often they are counted. */
const PATIENCE = 1500;
const TICK = 100;
/** Milliseconds of processor time of a test that takes too long to be run hundreds of times. */
const SLOW = 50;

/**
 * Runs each test as it is, then again with each change that it reaches and that no test has noticed. A file of tests is loaded once,
 * so a change takes as long as a test does.
 */
export default class MutatingRunner extends VitestTestRunner {
  /** The test runs as it is. */
  #isPlain = true;
  #isFirst = true;
  /** The code that the test reaches has not been compiled yet. */
  #isCold = true;
  #milliseconds = 0;
  #used = process.cpuUsage();
  #hits: Hits = {};
  /** Changes to be tried with this test. */
  #waiting: string[] = [];
  #trying = "";

  override async onBeforeRunTask(test: RunnerTask): Promise<void> {
    await super.onBeforeRunTask(test);
    if (test.type === "test") test.repeats = Number.MAX_SAFE_INTEGER;
    this.#isPlain = true;
    this.#isFirst = true;
    this.#isCold = true;
    this.#trying = join(folder, encodeURIComponent(test.file.name));
  }

  override onBeforeTryTask(test: RunnerTask): void {
    super.onBeforeTryTask(test);
    const mutant = this.#isPlain ? undefined : this.#waiting[0];
    writeFileSync(this.#trying, mutant ?? "");
    signs[0]! += 1;
    signs[1] = mutant === undefined ? 0 : 1;
    this.#used = process.cpuUsage();
    switches.currentTestId = this.#isFirst ? test.id : undefined;
    // Endless loops pass the change again and again.
    switches.hitCount = mutant === undefined ? undefined : 0;
    // Within their time, properties draw more samples once their code is compiled.
    switches.hitLimit = mutant === undefined ? 0 : 300_000 + 10 * this.#hits[mutant]!;
    switches.activeMutant = mutant;
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    const run = getFn(test);
    if (this.#isPlain) {
      const start = performance.now();
      await run();
      this.#milliseconds = performance.now() - start;
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    let left = PATIENCE + 10 * this.#milliseconds;
    const late = new Promise((_, reject) => {
      // Ticks that a busy machine leaves out do not count.
      timer = setInterval(() => (left -= TICK) < 0 && reject(new Error("endless")), TICK);
    });
    await Promise.race([run(), late]).finally(() => clearInterval(timer));
  }

  /** After a try: chooses the next one. */
  onAfterRetryTask(test: RunnerTestCase): void {
    const { result } = test;
    if (result === undefined) return;
    const name = `${test.file.name} > ${test.name}`;
    const isPassed = result.state === "pass";
    switches.activeMutant = undefined;
    switches.currentTestId = undefined;
    if (this.#isFirst && this.#isCold && this.#isSlow()) {
      // It may be faster from now on.
      this.#isCold = false;
      Object.assign(result, { state: "run", errors: undefined });
      return;
    }
    if (this.#isFirst) this.#begin(test, name, isPassed);
    else if (!this.#isPlain) {
      const mutant = this.#waiting.shift()!;
      if (isPassed) outcome.survived[mutant]!.push(name);
      else outcome.killed[mutant] = name;
    }
    // What does not work without a change, or not any more, notices nothing.
    if (this.#isPlain && !isPassed) this.#waiting = [];
    // A change that was noticed may have left something behind.
    this.#isPlain = !this.#isPlain && !isPassed;
    this.#isFirst = false;
    Object.assign(result, { state: "run", errors: undefined });
    if (this.#waiting.length > 0) return;
    writeFileSync(outcomeFile, JSON.stringify(outcome));
    // A test that skips itself is not repeated.
    Object.assign(result, { pending: true });
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    Object.assign(outcome.atLoad, switches.mutantCoverage?.static);
    writeFileSync(outcomeFile, JSON.stringify(outcome));
    if (this.#trying !== "") rmSync(this.#trying, { force: true });
  }

  #isSlow(): boolean {
    const { user, system } = process.cpuUsage(this.#used);
    return (user + system) / 1000 > SLOW;
  }

  #begin(test: RunnerTestCase, name: string, isPassed: boolean): void {
    const isSlow = this.#isSlow();
    if (isSlow && !outcome.slow.includes(name)) outcome.slow.push(name);
    if (!isPassed) outcome.failed.push(name);
    this.#hits = switches.mutantCoverage?.perTest[test.id] ?? {};
    if (switches.mutantCoverage !== undefined) switches.mutantCoverage.perTest = {};
    for (const mutant of Object.keys(this.#hits)) outcome.survived[mutant] ??= [];
    const isOpen = (mutant: string) =>
      !(mutant in outcome.killed) && !outcome.survived[mutant]!.includes(name);
    this.#waiting = isSlow ? [] : Object.keys(this.#hits).filter(isOpen);
  }
}
