import type { SessionStore } from "hipflask";
import type { Answer, Change, SessionInfo } from "hipflask/stores/store";
import type { Operation } from "./flow-record.ts";
import { watched } from "./observed-sessions.ts";

/** Verbs that a request sends; the others belong to the cleaning. */
const VERBS = ["create", "read", "patch", "touch", "rotate", "destroy", "list", "destroyAll"] as const;

/** The same store, which writes into the record of a request what it was asked: which keys, never a value. */
export function observedStore(store: SessionStore): SessionStore {
  return new Proxy(store, {
    get(target, name) {
      const verb = VERBS.find((known) => known === name);
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      const call = (...args: unknown[]) =>
        (value as (...given: unknown[]) => Promise<Answer | SessionInfo[]>).apply(target, args);
      if (verb === undefined) return call;
      return async (...args: unknown[]) => {
        const operation: Operation = { verb, keys: keysOf(args.at(-1)), answer: "…" };
        watched.getStore()?.operations.push(operation);
        const answer = await call(...args);
        operation.answer = Array.isArray(answer) ? `${answer.length} of them` : answer.status;
        return answer;
      };
    },
  });
}

function keysOf(argument: unknown): string[] {
  if (typeof argument !== "object" || argument === null) return [];
  const { fields, change, set, unset } = argument as {
    fields?: Map<string, string>;
    change?: Change;
  } & Change;
  const inner = change ?? { set: fields ?? set, unset };
  return [...(inner.set?.keys() ?? []), ...(inner.unset ?? []).map((key) => `−${key}`)];
}
