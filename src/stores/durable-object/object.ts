import { shareClass } from "../../copies.ts";
import type { Stored, Write } from "../parts/store.ts";

/** The members used of a Durable Object's state. */
export interface ObjectState {
  readonly storage: ObjectStorage & {
    transaction<Result>(work: (storage: ObjectStorage) => Promise<Result>): Promise<Result>;
  };
}

/** The methods used of a Durable Object's storage. */
export interface ObjectStorage {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<unknown>;
  setAlarm(time: number): Promise<void>;
  deleteAll(): Promise<void>;
}

/** A step of the store, as sent to the object. */
export interface ObjectStep {
  readonly verb: "read" | "insert" | "replace" | "remove";
  readonly expected?: string | undefined;
  readonly write?: Write | undefined;
}

/** The result of a step. */
export interface ObjectAnswer {
  readonly isDone: boolean;
  /** The stored record, if the step did not change it. */
  readonly current?: Stored | undefined;
}

interface StoredRecord {
  readonly text: string;
  readonly commit: string;
  /** Epoch milliseconds. */
  readonly until: number;
}

/**
 * The Durable Object that holds one record. Export it from your worker and bind it; {@link durableObjectStore} calls it.
 *
 * @example
 * ```ts no-check
 * export { HipflaskSession } from "hipflask/stores/durable-object";
 * ```
 */
export class HipflaskSession {
  readonly #state: ObjectState;

  constructor(state: ObjectState) {
    this.#state = state;
  }

  /** Runs one step, in a transaction of the storage. */
  async fetch(request: Request): Promise<Response> {
    const step = (await request.json()) as ObjectStep;
    const answer = await this.#state.storage.transaction((storage) => run(step, storage));
    return Response.json(answer);
  }

  /** Called when the record expires or was removed: deletes the object's storage. */
  async alarm(): Promise<void> {
    const { storage } = this.#state;
    const record = (await storage.get(RECORD)) as StoredRecord | undefined;
    if (record !== undefined && record.until > Date.now()) await storage.setAlarm(record.until);
    else await storage.deleteAll();
  }
}

shareClass("HipflaskSession", HipflaskSession);

const RECORD = "record";

async function run(step: ObjectStep, storage: ObjectStorage): Promise<ObjectAnswer> {
  const now = Date.now();
  const record = (await storage.get(RECORD)) as StoredRecord | undefined;
  const live = record !== undefined && record.until > now ? record : undefined;
  const current = live && { text: live.text, commit: live.commit, now };
  switch (step.verb) {
    case "read":
      return { isDone: live !== undefined, current };
    case "insert":
      if (live !== undefined) return { isDone: false };
      await keep(step.write!, storage, now);
      return { isDone: true };
    case "replace":
      if (live?.commit !== step.expected) return { isDone: false, current };
      await keep(step.write!, storage, now);
      return { isDone: true };
    case "remove":
      if (live === undefined || (step.expected !== undefined && live.commit !== step.expected)) {
        return { isDone: false, current };
      }
      await storage.delete(RECORD);
      // The alarm deletes the rest of the storage, which cannot be deleted within a transaction.
      await storage.setAlarm(now);
      return { isDone: true };
  }
}

async function keep({ text, commit, lifetime }: Write, storage: ObjectStorage, now: number): Promise<void> {
  const until = now + Math.ceil(lifetime * 1000);
  await storage.put(RECORD, { text, commit, until } satisfies StoredRecord);
  await storage.setAlarm(until);
}
