import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { checkNames } from "./check-options.ts";
import { ConfigError } from "./errors.ts";

/** Attributes of an event. */
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

/** Where to send events; at least one of the two. */
export interface OpenTelemetryOptions {
  /** Counts events. */
  readonly meter?: SessionMeter | undefined;
  /** Returns the span of the current request, to which events are added: `() => trace.getActiveSpan()`. */
  readonly activeSpan?: (() => SessionSpan | undefined) | undefined;
}

/** Each channel, the description of its counter, and the attributes of its events, which have only a few values. */
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
 * Reports session events to OpenTelemetry: a counter `hipflask.sessions.EVENT` for each event of this process, and an event
 * `hipflask.EVENT` on the request's span. Neither contains an owner, a secret or data; only spans have the selector of a
 * stored session.
 *
 * @returns stops reporting
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

/** The properties that a message has, prefixed with the library's name. */
function pick(message: unknown, names: readonly string[]): EventAttributes {
  const known = Object.entries(message as object).filter(([name]) => names.includes(name));
  return Object.fromEntries(
    known
      .filter(([, value]) => typeof value === "string" || typeof value === "number")
      .map(([name, value]) => [`hipflask.${name}`, value as string | number]),
  );
}
