import type { Store } from "hipflask";
import type { Operation } from "./flow-record.ts";
import { watched } from "./observed-sessions.ts";

/** Steps of requests; the others are for removing expired records. */
const STEPS = ["read", "insert", "replace", "remove", "readMany"] as const;

/** Wraps a store to record its operations with their keys, never the content of records. */
export function observedStore(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      const verb = STEPS.find((known) => known === name);
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      const call = (...args: unknown[]) =>
        (value as (...given: unknown[]) => Promise<unknown>).apply(target, args);
      if (verb === undefined) return call;
      return async (...args: unknown[]) => {
        const operation: Operation = { verb, keys: [recordOf(args[0])], answer: "…" };
        watched.getStore()?.operations.push(operation);
        const answer = await call(...args);
        operation.answer = textOf(answer);
        return answer;
      };
    },
  });
}

function recordOf(key: unknown): string {
  if (typeof key !== "string") return "sessions";
  return key.startsWith("owner:") ? "owner" : "session";
}

function textOf(answer: unknown): string {
  if (answer instanceof Map) return `${answer.size} of them`;
  if (answer === undefined) return "gone";
  if (typeof answer === "boolean") return answer ? "ok" : "taken";
  return (answer as { readonly status?: string }).status ?? "ok";
}
