import { expect, it, vi } from "vitest";
import { prerenderClock } from "./prerender-clock.ts";

it("tells the time of day without Date.now", () => {
  const before = Date.now();
  const now = vi.spyOn(Date, "now").mockImplementation(() => {
    throw new Error("on purpose");
  });
  const told = prerenderClock();
  now.mockRestore();
  expect(Number.isInteger(told)).toBe(true);
  // The two clocks round on their own.
  expect(told).toBeGreaterThanOrEqual(before - 2);
  expect(told).toBeLessThanOrEqual(Date.now() + 2);
});

it("is right again a second after one of the clocks stood still", () => {
  prerenderClock();
  const elapsed = performance.now();
  const stopped = vi.spyOn(performance, "now").mockReturnValue(elapsed - 3_600_000);
  expect(Math.abs(prerenderClock() - Date.now())).toBeGreaterThan(3_500_000);
  stopped.mockReturnValue(elapsed + 1100);
  expect(Math.abs(prerenderClock() - Date.now())).toBeLessThan(3);
  stopped.mockRestore();
});
