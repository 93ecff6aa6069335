import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as API from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sessions } from "../src/adapters/fetch.ts";
import { ConfigError, session, SessionManager } from "../src/index.ts";
import { bridgeToOpenTelemetry } from "../src/opentelemetry.ts";
import { memoryStore } from "../src/stores/memory.ts";
import { faultyStore, testClient } from "../src/testing.ts";

const folder = join(import.meta.dirname, "ecosystem");
const load = createRequire(join(folder, "package.json"));
const isThere = existsSync(join(folder, "node_modules"));
const note = isThere ? "" : " (skipped: run npm --prefix test/ecosystem ci)";

/** What is used of the SDK, as far as it matters here. */
interface Sdk {
  AsyncLocalStorageContextManager: new () => API.ContextManager & { enable(): API.ContextManager };
  InMemorySpanExporter: new () => { getFinishedSpans(): FinishedSpan[]; reset(): void };
  SimpleSpanProcessor: new (exporter: unknown) => unknown;
  BasicTracerProvider: new (options: { spanProcessors: unknown[] }) => API.TracerProvider;
  InMemoryMetricExporter: new (temporality: number) => { getMetrics(): ResourceMetrics[]; reset(): void };
  PeriodicExportingMetricReader: new (options: { exporter: unknown }) => { forceFlush(): Promise<void> };
  MeterProvider: new (options: { readers: unknown[] }) => API.MeterProvider & { shutdown(): Promise<void> };
}
interface FinishedSpan {
  readonly name: string;
  readonly events: readonly { readonly name: string; readonly attributes: unknown }[];
}
interface ResourceMetrics {
  readonly scopeMetrics: readonly {
    readonly metrics: readonly {
      readonly descriptor: { readonly name: string };
      readonly dataPoints: readonly { readonly value: number; readonly attributes: unknown }[];
    }[];
  }[];
}

describe.skipIf(!isThere && !process.env["CI"])(`bridgeToOpenTelemetry with the real SDK${note}`, () => {
  let api: typeof API;
  let spans: InstanceType<Sdk["InMemorySpanExporter"]>;
  let metrics: InstanceType<Sdk["InMemoryMetricExporter"]>;
  let reader: InstanceType<Sdk["PeriodicExportingMetricReader"]>;
  let meters: InstanceType<Sdk["MeterProvider"]>;
  let tracer: API.Tracer;

  beforeAll(() => {
    api = load("@opentelemetry/api") as typeof API;
    const sdk = {
      ...(load("@opentelemetry/context-async-hooks") as object),
      ...(load("@opentelemetry/sdk-trace-base") as object),
      ...(load("@opentelemetry/sdk-metrics") as object),
    } as Sdk;
    api.context.setGlobalContextManager(new sdk.AsyncLocalStorageContextManager().enable());
    spans = new sdk.InMemorySpanExporter();
    tracer = new sdk.BasicTracerProvider({ spanProcessors: [new sdk.SimpleSpanProcessor(spans)] }).getTracer(
      "test",
    );
    metrics = new sdk.InMemoryMetricExporter(0);
    reader = new sdk.PeriodicExportingMetricReader({ exporter: metrics });
    meters = new sdk.MeterProvider({ readers: [reader] });
  });
  afterAll(async () => {
    api.context.disable();
    await meters.shutdown();
  });
  beforeEach(() => {
    spans.reset();
    metrics.reset();
  });

  /** An app whose every request has a span, as instrumentations make them. */
  const traced = (manager: SessionManager) => {
    const app = sessions(manager, { onError: () => {} })((request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/login") session.update({ username: "a-private-name" });
      if (pathname === "/own") session.owner = "a-private-owner";
      return new Response(String(session.username));
    });
    return (request: Request) =>
      tracer.startActiveSpan(new URL(request.url).pathname, async (span) => {
        try {
          return await app(request);
        } finally {
          span.end();
        }
      });
  };
  const bridge = (scope: string) =>
    bridgeToOpenTelemetry({ meter: meters.getMeter(scope), activeSpan: () => api.trace.getActiveSpan() });
  const eventsOf = (name: string) =>
    spans
      .getFinishedSpans()
      .filter((span) => span.name === name)
      .flatMap((span) => span.events);
  const counted = async () => {
    await reader.forceFlush();
    const all = metrics
      .getMetrics()
      .at(-1)!
      .scopeMetrics.flatMap((scope) => scope.metrics);
    return all.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ value, attributes }) => [descriptor.name, value, attributes]),
    );
  };

  it("counts events and puts them on the request's own span, parallel ones apart", async () => {
    const manager = new SessionManager({ secretKey: "for tests" });
    const app = traced(manager);
    const stop = bridge("cookies");
    try {
      const ada = testClient(app, { sessions: manager });
      await ada.get("/login");
      await Promise.all([
        ada.get("/good"),
        app(new Request("http://localhost/bad", { headers: { Cookie: "session=a.b.forged" } })),
      ]);
      expect(eventsOf("/login").map(({ name, attributes }) => [name, attributes])).toEqual([
        ["hipflask.saved", { "hipflask.cookieName": "session", "hipflask.outcome": "write" }],
      ]);
      expect(eventsOf("/good")).toMatchObject([
        { name: "hipflask.opened", attributes: { "hipflask.cookieName": "session", "hipflask.keys": 1 } },
      ]);
      expect(eventsOf("/bad")).toMatchObject([
        { name: "hipflask.refused", attributes: { "hipflask.reason": "bad_signature" } },
      ]);
      expect(await counted()).toEqual(
        expect.arrayContaining([
          ["hipflask.sessions.saved", 1, { "hipflask.cookieName": "session", "hipflask.outcome": "write" }],
          ["hipflask.sessions.opened", 1, { "hipflask.cookieName": "session" }],
          [
            "hipflask.sessions.refused",
            1,
            { "hipflask.cookieName": "session", "hipflask.reason": "bad_signature" },
          ],
        ]),
      );
    } finally {
      stop();
    }
  });

  it("tells of a store and its failures, and never of owners, tokens or data", async () => {
    const store = faultyStore(memoryStore());
    const manager = new SessionManager({ secretKey: "for tests", store, storeOptions: { sweepEvery: 0 } });
    const stop = bridge("stores");
    try {
      const ada = testClient(traced(manager), { sessions: manager });
      await ada.get("/login");
      await ada.get("/own");
      store.fail("read");
      await ada.get("/ill");
      expect(eventsOf("/own").map(({ name }) => name)).toEqual([
        "hipflask.opened",
        "hipflask.rotated",
        "hipflask.saved",
      ]);
      expect(eventsOf("/ill")).toMatchObject([
        {
          name: "hipflask.storeFailed",
          attributes: { "hipflask.verb": "read", "hipflask.reason": "unavailable" },
        },
      ]);
      const [selector, verifier] = (await ada.jar.getCookieString("http://localhost/")).slice(8).split(".");
      const told = JSON.stringify([spans.getFinishedSpans().map(({ events }) => events), await counted()]);
      for (const secret of [verifier!, "a-private"]) expect(told).not.toContain(secret);
      expect(told).toContain(selector);
      expect(JSON.stringify(await counted())).not.toContain(selector);
    } finally {
      stop();
    }
  });

  it("stops when told to", async () => {
    const manager = new SessionManager({ secretKey: "for tests" });
    bridge("stopped")();
    await testClient(traced(manager), { sessions: manager }).get("/login");
    expect(eventsOf("/login")).toEqual([]);
  });
});

describe("bridgeToOpenTelemetry", () => {
  it("needs somewhere to tell", () => {
    expect(() => bridgeToOpenTelemetry({})).toThrow(ConfigError);
  });
});
