import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { memoryStore } from "../memory.ts";
import { opened } from "./opened.ts";

const never = () => new Promise<never>(() => {});

describe("storeFromUrl", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it.each([
    ["closes", async () => {}],
    ["waits for its server when it is closed", never],
    ["throws when it is closed", () => Promise.reject(new Error("closing"))],
  ])("says so of a server that accepts and says nothing, with a client that %s", async (_, close) => {
    const closed = vi.fn<() => Promise<void>>(close);
    const store = opened(memoryStore(), never, closed).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(11_000);
    await expect(store).resolves.toMatchObject({
      code: "STORE",
      reason: "timeout",
      message: expect.stringContaining('did not answer "connect" within 10 seconds'),
    });
    expect(closed).toHaveBeenCalledOnce();
  });
});
