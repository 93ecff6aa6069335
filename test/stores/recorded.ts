import type { SessionStore } from "../../src/stores/verbs.ts";

/** One call of a store, as it was made. */
export interface StoreCall {
  readonly verb: string;
  readonly args: readonly unknown[];
}

/** The same store, and everything it was asked. */
export function recorded(inner: SessionStore): { store: SessionStore; calls: StoreCall[] } {
  const calls: StoreCall[] = [];
  const store = new Proxy(inner, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls.push({ verb: String(name), args });
        return (value as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { store, calls };
}

/** Everything in a value as one text, whatever it is made of. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item instanceof Map ? [...item] : typeof item === "function" ? String(item) : item,
  );
}
