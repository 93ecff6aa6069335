import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { acceptedCookie } from "./accepted-cookie.ts";
import type { AcceptOptions, CookieFormat } from "./accepted-cookie.ts";

const now = Date.UTC(2026, 0, 1);

function reader(read: CookieFormat["read"], options: AcceptOptions = {}) {
  return acceptedCookie({ name: "test", cookieName: "old", read }, options);
}

describe("acceptedCookie", () => {
  it("counts the sessions it opened and nothing else", () => {
    const old = reader((cookies) =>
      cookies.get("old") === "1" ? { kind: "data", data: {} } : "bad_signature",
    );
    for (const value of ["1", "2", "1", "3", "1"]) old.decode(new Map([["old", value]]), { now });
    expect(old.opened).toBe(3);
  });

  it("names every cookie that was taken, and none that was not sent", () => {
    const old = reader((cookies) => {
      for (const name of ["old", "old.sig", "old.1"]) cookies.get(name);
      return { kind: "id", id: "1" };
    });
    const cookies = new Map([
      ["old", "1"],
      ["old.sig", "2"],
      ["other", "3"],
    ]);
    expect(old.decode(cookies, { now })).toMatchObject({ cookieNames: ["old", "old.sig"] });
  });

  it.each(["2026-01-01", new Date(now)])("ends at %j sharp", (until) => {
    const old = reader(() => ({ kind: "data", data: {} }), { until });
    expect(old.decode(new Map(), { now: now - 1 }).ok).toBe(true);
    expect(old.decode(new Map(), { now })).toEqual({ ok: false, reason: "ended" });
    expect(old.opened).toBe(1);
  });

  it('refuses an "until" that is not a date', () => {
    expect(() => reader(() => "missing", { until: "next summer" })).toThrow(ConfigError);
  });

  it("turns whatever a format throws into a refusal", () => {
    const old = acceptedCookie(
      { name: "test", cookieName: "old", read: () => JSON.parse("{"), readRecord: () => JSON.parse("{") },
      {},
    );
    expect(old.decode(new Map(), { now })).toEqual({ ok: false, reason: "bad_payload" });
    expect(old.readRecord!({}, { now })).toBe("bad_payload");
  });

  it("reads at most 64 KiB of cookies", () => {
    const seen: (number | undefined)[] = [];
    const old = reader((cookies) => {
      for (const name of ["a", "b", "c"]) seen.push(cookies.get(name)?.length);
      return { kind: "data", data: {} };
    });
    const cookies = new Map(["a", "b", "c"].map((name) => [name, "x".repeat(30_000)]));
    expect(old.decode(cookies, { now })).toEqual({ ok: false, reason: "too_long" });
    expect(seen).toEqual([30_000, 30_000, undefined]);
    expect(old.opened).toBe(0);
  });

  it("tells under which path and domain the old cookie has to be expired", () => {
    expect(reader(() => "missing")).toMatchObject({ cookieName: "old", path: undefined, domain: undefined });
    const options = { path: "/app", domain: "example.com" };
    expect(reader(() => "missing", options)).toMatchObject(options);
  });
});
