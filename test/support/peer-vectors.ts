import { isDeepStrictEqual } from "node:util";
import { peerReader } from "./peer-readers.ts";
import { VectorChecks } from "./vector-report.ts";
import type { VectorReport } from "./vector-report.ts";
import { checkFields } from "./vectors/check.ts";
import type { Raw } from "./vectors/check.ts";

/** A cookie another library wrote, from a file such as `vectors/peers.json`, which explains its fields. */
export interface PeerVector {
  readonly id: string;
  readonly format: string;
  readonly version: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly evaluateAtMs: number;
  readonly payload: unknown;
  readonly setCookie: readonly string[];
  readonly cookieHeader: string;
  readonly sid?: string;
  readonly sessionId?: string;
  readonly storeRecord?: unknown;
  readonly innerValue?: string;
  readonly clocks?: ReadonlyArray<{ readonly atMs: number; readonly acceptedByOriginal: boolean }>;
  readonly negatives?: ReadonlyArray<{
    readonly label: string;
    readonly cookieHeader: string;
    readonly acceptedByOriginal: boolean;
    readonly secretOverride?: Readonly<Record<string, unknown>>;
  }>;
}

/**
 * Checks the readers of `hipflask/accepts` against cookies of the real packages: each must give the very payload back,
 * and accept what the package accepts at later times and of changed cookies, no more and no less.
 */
export function checkPeerVectors(file: unknown): VectorReport {
  const checks = new VectorChecks();
  const vectors = (file as { vectors?: readonly PeerVector[] } | null)?.vectors;
  if (!Array.isArray(vectors) || vectors.length === 0) {
    checks.check("file", () => "holds no vectors");
    return checks;
  }
  for (const vector of vectors as readonly PeerVector[]) {
    checks.check(`${vector.id}, form`, () => checkForm(vector));
    checks.check(vector.id, () => checkRead(vector));
    checks.check(`${vector.id}, names`, () => checkNames(vector));
    for (const { atMs, acceptedByOriginal } of vector.clocks ?? []) {
      checks.check(`${vector.id}, at ${atMs}`, () =>
        acceptedByOriginal ? checkRead(vector, { now: atMs }) : checkRefused(vector, { now: atMs }),
      );
    }
    for (const negative of vector.negatives ?? []) {
      const changes = {
        cookieHeader: negative.cookieHeader,
        config: { ...vector.config, ...negative.secretOverride },
      };
      checks.check(`${vector.id}, ${negative.label}`, () =>
        negative.acceptedByOriginal ? checkRead(vector, changes) : checkRefused(vector, changes),
      );
    }
  }
  return checks;
}

/** An unread field of a vector might be an expectation. */
function checkForm(vector: PeerVector): true | string {
  const always = [
    "id",
    "format",
    "package",
    "version",
    "config",
    "evaluateAtMs",
    "payload",
    "setCookie",
    "cookieHeader",
  ];
  const sometimes = ["with", "sid", "sessionId", "storeRecord", "innerValue", "clocks", "negatives"];
  checkFields(vector as unknown as Raw, always, sometimes);
  for (const clock of vector.clocks ?? []) checkFields(clock as Raw, ["atMs", "acceptedByOriginal"]);
  for (const negative of vector.negatives ?? []) {
    checkFields(negative as Raw, ["label", "cookieHeader", "acceptedByOriginal"], ["secretOverride"]);
  }
  const verdicts = [...(vector.clocks ?? []), ...(vector.negatives ?? [])];
  return (
    verdicts.every(({ acceptedByOriginal: verdict }) => typeof verdict === "boolean") ||
    "a verdict is no boolean"
  );
}

/** What differs from the vector itself. */
interface Changes {
  readonly now?: number;
  readonly cookieHeader?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

function checkRead(vector: PeerVector, changes: Changes = {}): true | string {
  const { outcome, payload } = read(vector, changes);
  if (payload === undefined) return `refused: ${outcome}`;
  return (
    isDeepStrictEqual(payload.value, vector.payload) ||
    `gave another payload, ${JSON.stringify(payload.value)}`
  );
}

function checkRefused(vector: PeerVector, changes: Changes): true | string {
  return read(vector, changes).payload === undefined || "accepted";
}

/** Every cookie of the request belongs to the session, and all of them must be known in order to be expired. */
function checkNames(vector: PeerVector): true | string {
  const cookies = parseCookieHeader(vector.cookieHeader);
  const set = new Map(vector.setCookie.map((line) => cutPair(line.split(";", 1)[0]!)));
  if (!isDeepStrictEqual(set, cookies)) return "Cookie and Set-Cookie differ";
  const accepted = peerReader(vector).reader.decode(cookies, { now: vector.evaluateAtMs });
  if (!accepted.ok) return `refused: ${accepted.reason}`;
  return (
    isDeepStrictEqual(new Set(accepted.cookieNames), new Set(cookies.keys())) ||
    `took ${accepted.cookieNames.join()}`
  );
}

function read(vector: PeerVector, changes: Changes): { outcome: string; payload?: { value: unknown } } {
  const { now = vector.evaluateAtMs, cookieHeader = vector.cookieHeader, config = vector.config } = changes;
  const { reader, payloadOf } = peerReader({ ...vector, config });
  const accepted = reader.decode(parseCookieHeader(cookieHeader), { now });
  if (!accepted.ok) return { outcome: accepted.reason };
  if (accepted.kind === "fields") return { outcome: "gave fields" };
  if (accepted.kind === "id" && accepted.id !== storedId(vector))
    return { outcome: "gave the id of no record" };
  if (accepted.kind === "data") {
    const { id, data, flash = {} } = accepted;
    if (vector.sessionId !== undefined && id !== vector.sessionId) return { outcome: "gave another id" };
    if (
      vector.innerValue !== undefined &&
      !isDeepStrictEqual(JSON.parse(vector.innerValue), { i: id, d: [data, flash] })
    ) {
      return { outcome: "gave another inner value" };
    }
    // Some libraries keep in the cookie what others keep in a store; the record is in the vector then, too.
    if (vector.storeRecord === undefined)
      return { outcome: "data", payload: { value: payloadOf(data, flash) } };
  }
  const content = reader.readRecord?.(vector.storeRecord, { now });
  if (content === undefined || typeof content === "string") return { outcome: `record: ${content}` };
  if (content.kind !== "data") return { outcome: "the record is no data" };
  if (accepted.kind === "data" && !isDeepStrictEqual(content.data, accepted.data))
    return { outcome: "gave another record" };
  return { outcome: "record", payload: { value: payloadOf(content.data, content.flash ?? {}) } };
}

function storedId({ sid, storeRecord }: PeerVector): unknown {
  return sid ?? (storeRecord as { _id?: unknown } | undefined)?._id;
}

/** The cookies of a request as browsers send them. */
export function parseCookieHeader(header: string): Map<string, string> {
  return new Map(header.split("; ").map(cutPair));
}

function cutPair(pair: string): readonly [name: string, value: string] {
  const cut = pair.indexOf("=");
  return [pair.slice(0, cut), pair.slice(cut + 1)];
}
