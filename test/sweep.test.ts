import { channel } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SessionManager } from "../src/manager/manager.ts";
import { memoryStore } from "../src/stores/memory.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

/** A manager, after its first request, over a store that counts how often it was asked to remove expired records. */
function counted(sweepEvery?: number, removeExpired = async () => 0, { isIdle = false } = {}) {
  const count = vi.fn(removeExpired);
  const manager = new SessionManager({
    store: Object.assign(memoryStore(), { removeExpired: count }),
    storeOptions: { sweepEvery },
  });
  if (!isIdle) manager.requestContext({ headers: new Headers() });
  return { manager, count };
}

describe("sweepEvery", () => {
  it("removes expired records each minute by itself, until the manager is closed", async () => {
    const { manager, count } = counted();
    await vi.advanceTimersByTimeAsync(73_000);
    expect(count).toHaveBeenCalledTimes(1);
    await manager.close();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(count).toHaveBeenCalledTimes(1);
  });

  it("begins with the first request, since workers start no timer before one", async () => {
    const { manager, count } = counted(10, undefined, { isIdle: true });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(count).not.toHaveBeenCalled();
    manager.requestContext({ headers: new Headers() });
    await vi.advanceTimersByTimeAsync(13_000);
    expect(count).toHaveBeenCalledTimes(1);
    await manager.close();
  });

  it("never begins on a manager that was closed before", async () => {
    const { manager, count } = counted(10, undefined, { isIdle: true });
    await manager.close();
    manager.requestContext({ headers: new Headers() });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(count).not.toHaveBeenCalled();
  });

  it("is never with 0, and rare when it is more than a timer can wait", async () => {
    const off = counted(0);
    const rare = counted(34_560_000);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(off.count).not.toHaveBeenCalled();
    expect(rare.count).not.toHaveBeenCalled();
    await rare.manager.close();
  });

  it("tells of a sweep that failed, and comes again", async () => {
    const heard: unknown[] = [];
    const listen = (message: unknown) => heard.push(message);
    channel("hipflask:sweepFailed").subscribe(listen);
    const { manager, count } = counted(10, async () => {
      throw new Error("read-only");
    });
    await vi.advanceTimersByTimeAsync(25_000);
    channel("hipflask:sweepFailed").unsubscribe(listen);
    await manager.close();
    expect(count.mock.calls.length).toBeGreaterThanOrEqual(2);
    expect(heard[0]).toMatchObject({ error: { name: "StoreError" } });
  });
});
