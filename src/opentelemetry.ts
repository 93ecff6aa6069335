import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { checkNames } from "./check-options.ts";
import { ConfigError } from "./errors.ts";

/** Attributes of an event: words and numbers, by name. */
export type EventAttributes = Record<string, string | number>;

/** The part of `@opentelemetry/api`'s `Meter` that is used; `metrics.getMeter("hipflask")` fits. */
export interface SessionMeter {
  createCounter(
    name: string,
    options: { description: string },
  ): { add(count: number, attributes: EventAttributes): void };
}

/** The part of `@opentelemetry/api`'s `Span` that is used. */
export interface SessionSpan {
  addEvent(name: string, attributes: EventAttributes): unknown;
}

/** Where the events go; at least one of the two. */
export interface OpenTelemetryOptions {
  /** Counts events. */
  readonly meter?: SessionMeter | undefined;
  /** Gives the span of the request being handled, which gets the events: `() => trace.getActiveSpan()`. */
  readonly activeSpan?: (() => SessionSpan | undefined) | undefined;
}

/** Each channel, what its counter counts, and what tells its events apart: words of which there are few. */
const CHANNELS: Readonly<Record<string, { readonly counts: string; readonly by: readonly string[] }>> = {
  opened: { counts: "Sessions opened from a cookie", by: ["cookieName"] },
  refused: { counts: "Cookies refused", by: ["cookieName", "reason"] },
  saved: { counts: "Responses that set or delete the session cookie", by: ["cookieName", "outcome"] },
  created: { counts: "Sessions begun in the store", by: [] },
  rotated: { counts: "Tokens replaced", by: [] },
  destroyed: { counts: "Sessions ended in the store", by: [] },
  reused: { counts: "Replaced tokens that came back", by: [] },
  lost: { counts: "Changes dropped because the session was over", by: ["reason"] },
  migrated: { counts: "Sessions opened from another library's cookie", by: ["from"] },
  storeFailed: { counts: "Failures of the store", by: ["verb", "reason"] },
  sweepFailed: { counts: "Failed removals of expired records", by: [] },
};

/**
 * Tells OpenTelemetry what happens to sessions: a counter `hipflask.sessions.EVENT` for each event of this process, and an
 * event `hipflask.EVENT` on the span of the request. Neither holds an owner, a secret or data; spans also name the
 * selector of a stored session, counters do not.
 *
 * @returns stops telling
 * @throws ConfigError without a meter and without spans
 * @example
 * ```ts
 * import { metrics, trace } from "@opentelemetry/api";
 * import { bridgeToOpenTelemetry } from "hipflask/opentelemetry";
 *
 * const stop = bridgeToOpenTelemetry({
 *   meter: metrics.getMeter("hipflask"),
 *   activeSpan: () => trace.getActiveSpan(),
 * });
 * process.once("beforeExit", stop);
 * ```
 */
export function bridgeToOpenTelemetry(options: OpenTelemetryOptions): () => void {
  checkNames("bridgeToOpenTelemetry", options, ["meter", "activeSpan"]);
  const { meter, activeSpan } = options;
  if (meter === undefined && activeSpan === undefined) {
    throw new ConfigError(
      "Pass a `meter`, or `activeSpan`, or both: metrics and trace of @opentelemetry/api give them.",
    );
  }
  const listeners = Object.entries(CHANNELS).map(([name, { counts, by }]) => {
    const counter = meter?.createCounter(`hipflask.sessions.${name}`, { description: counts });
    const listener = (message: unknown): void => {
      counter?.add(1, pick(message, by));
      activeSpan?.()?.addEvent(`hipflask.${name}`, pick(message, [...by, "selector", "keys"]));
    };
    return [`hipflask:${name}`, listener] as const;
  });
  for (const [channel, listener] of listeners) subscribe(channel, listener);
  return () => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener);
  };
}

/** Those properties of a message that are there, under the library's name. */
function pick(message: unknown, names: readonly string[]): EventAttributes {
  const known = Object.entries(message as object).filter(([name]) => names.includes(name));
  return Object.fromEntries(
    known
      .filter(([, value]) => typeof value === "string" || typeof value === "number")
      .map(([name, value]) => [`hipflask.${name}`, value as string | number]),
  );
}
