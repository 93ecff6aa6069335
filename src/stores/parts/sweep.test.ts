import { afterEach, describe, expect, it, vi } from "vitest";
import { memoryStore } from "../memory.ts";
import { startSweep, sweepOnce } from "./sweep.ts";

afterEach(() => vi.useRealTimers());

function sweptBy(removeExpired: (limit: number) => Promise<number>) {
  return Object.assign(memoryStore(), { removeExpired });
}

describe("startSweep", () => {
  it("comes again after each interval, also after an error, and stops when closed", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const errors: unknown[] = [];
    let sweeps = 0;
    const store = sweptBy(async () => {
      if (++sweeps === 2) throw new Error("down");
      return 0;
    });
    const sweep = startSweep(store, { every: 10, onError: (error) => errors.push(error) });
    await vi.advanceTimersByTimeAsync(7_900);
    expect(sweeps).toBe(0);
    await vi.advanceTimersByTimeAsync(4_200);
    expect(sweeps).toBe(1);
    await vi.advanceTimersByTimeAsync(24_100);
    expect(sweeps).toBeGreaterThanOrEqual(3);
    expect(errors).toEqual([new Error("down")]);
    const before = sweeps;
    await sweep.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sweeps).toBe(before);
  });
});

describe("sweepOnce", () => {
  it("goes on as long as batches are full", async () => {
    const left = [3, 3, 2];
    expect(
      await sweepOnce(
        sweptBy(async () => left.shift() ?? 0),
        { batch: 3, pause: 0 },
      ),
    ).toBe(8);
  });

  it("has nothing to do where the engine expires records itself", async () => {
    const { removeExpired: _, ...store } = sweptBy(async () => 1);
    expect(await sweepOnce(store as ReturnType<typeof memoryStore>)).toBe(0);
  });
});
