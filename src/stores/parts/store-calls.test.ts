import { describe, expect, it } from "vitest";
import { SessionConflictError, StoreError } from "../../errors.ts";
import { withTimeout } from "./store-calls.ts";

const NAME = "Redis at 127.0.0.1:6379";

function rejection(work: () => Promise<unknown>, seconds = 2): Promise<unknown> {
  return withTimeout(NAME, "replace", seconds, work).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("withTimeout", () => {
  it("ends what hangs, and names the store and the step (SEC-36)", async () => {
    const error = await rejection(() => new Promise(() => {}), 0.02);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      reason: "timeout",
      message: expect.stringContaining(`${NAME} did not answer "replace" within 0.02 seconds.`) as string,
    });
  });

  it("names them with the driver's error, and passes on nothing of what that carries", async () => {
    const error = await rejection(async () => {
      throw Object.assign(new Error("syntax error\nat 'secret'"), {
        code: "42601",
        sql: "SELECT 'secret'",
        parameters: ["secret"],
      });
    });
    expect(error).toMatchObject({
      reason: "unavailable",
      message: expect.stringContaining(`${NAME} could not "replace": syntax error`) as string,
      cause: { code: "42601" },
    });
    const { stack: _, ...told } = Object.getOwnPropertyDescriptors((error as Error).cause as Error);
    expect(JSON.stringify([(error as Error).message, told])).not.toContain("secret");
  });

  it.each([
    [
      new AggregateError([Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })], ""),
      "ECONNREFUSED",
    ],
    [
      new TypeError("fetch failed", { cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }) }),
      "ECONNRESET",
    ],
  ])("finds the code inside %s", async (thrown, code) => {
    const error = await rejection(() => Promise.reject(thrown));
    expect(error).toMatchObject({ reason: "unavailable", cause: { code } });
  });

  it("passes the library's own errors as they are, and answers", async () => {
    const own = new SessionConflictError(3);
    expect(await rejection(() => Promise.reject(own))).toBe(own);
    expect(await withTimeout(NAME, "read", 2, async () => 42)).toBe(42);
  });
});
