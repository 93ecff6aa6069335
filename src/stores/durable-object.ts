import { checkCount } from "../check-options.ts";
import { refusal } from "./parts/clients.ts";
import type { ObjectAnswer, ObjectStep } from "./durable-object/object.ts";
import type { Replaced, Store, Stored, Write } from "./parts/store.ts";
import { GONE, OK, conditionFailed } from "./parts/values.ts";

export { HipflaskSession, type ObjectState, type ObjectStorage } from "./durable-object/object.ts";

/** The methods used of the binding of a Durable Object namespace. */
export interface ObjectNamespace {
  idFromName(name: string): unknown;
  // The type of an id is Cloudflare's own.
  get(id: never): { fetch(url: string, init: { method: string; body: string }): Promise<ObjectResponse> };
}

/** The members used of its responses. */
export interface ObjectResponse {
  readonly ok: boolean;
  readonly status: number;
  json(): Promise<unknown>;
}

/**
 * Keeps sessions in Cloudflare's Durable Objects, one object per record: all steps on a record run in its object, in whichever
 * location a request arrives. The worker has to export {@link HipflaskSession} and bind it.
 *
 * A record may have 128 KiB, or 2 MB if the class was created with SQLite storage (`new_sqlite_classes`).
 *
 * @throws ConfigError for anything that is not a namespace
 * @example
 * ```ts no-check
 * import { sessions } from "hipflask/fetch";
 * import { durableObjectStore } from "hipflask/stores/durable-object";
 *
 * export { HipflaskSession } from "hipflask/stores/durable-object";
 * export default {
 *   fetch: (request, env) =>
 *     sessions({ secretKey: env.SECRET_KEY, store: durableObjectStore(env.SESSIONS) })(handler)(request),
 * };
 * ```
 */
export function durableObjectStore(namespace: ObjectNamespace): Store {
  checkCount("durableObjectStore", arguments, 1, "it has no options");
  if (typeof namespace?.idFromName !== "function") {
    throw refusal(
      "durableObjectStore",
      "the binding of a Durable Object namespace, as in durableObjectStore(env.SESSIONS)",
      namespace,
    );
  }
  return new DurableObjectStore(namespace);
}

class DurableObjectStore implements Store {
  readonly name = "The Durable Object of the session";
  readonly atomic = true;
  readonly #namespace: ObjectNamespace;

  constructor(namespace: ObjectNamespace) {
    this.#namespace = namespace;
  }

  async read(key: string): Promise<Stored | undefined> {
    return (await this.#ask(key, { verb: "read" })).current;
  }

  async insert(key: string, write: Write): Promise<boolean> {
    return (await this.#ask(key, { verb: "insert", write })).isDone;
  }

  async replace(key: string, expected: string, write: Write): Promise<Replaced> {
    return replaced(await this.#ask(key, { verb: "replace", expected, write }));
  }

  async remove(key: string, expected?: string): Promise<Replaced> {
    const answer = await this.#ask(key, { verb: "remove", expected });
    return expected === undefined && !answer.isDone ? GONE : replaced(answer);
  }

  async #ask(key: string, step: ObjectStep): Promise<ObjectAnswer> {
    const object = this.#namespace.get(this.#namespace.idFromName(key) as never);
    const response = await object.fetch("https://session/", { method: "POST", body: JSON.stringify(step) });
    if (!response.ok) throw new Error(`the object answered ${response.status}`);
    return (await response.json()) as ObjectAnswer;
  }
}

function replaced({ isDone, current }: ObjectAnswer): Replaced {
  return isDone ? OK : conditionFailed(current);
}
