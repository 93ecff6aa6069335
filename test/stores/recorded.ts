import type { Store } from "../../src/stores/parts/store.ts";

/** One step of a store, as it was asked for. */
export interface StoreCall {
  readonly verb: string;
  readonly args: readonly unknown[];
}

/** The same store, and everything it was asked, but the time, which is at hand. */
export function recorded(inner: Store): { store: Store; calls: StoreCall[] } {
  const calls: StoreCall[] = [];
  return { store: watched(inner, (verb, ...args) => void calls.push({ verb, args })), calls };
}

/** The same store, where `before` is called, or awaited, ahead of each step. */
export function watched(
  inner: Store,
  before: (verb: string, ...args: unknown[]) => void | Promise<void>,
): Store {
  return new Proxy(inner, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function" || name === "now")
        return value && typeof value === "function" ? value.bind(target) : value;
      return (...args: unknown[]) => {
        const waiting = before(String(name), ...args);
        const go = () => (value as (...given: unknown[]) => unknown).apply(target, args);
        return waiting === undefined ? go() : waiting.then(go);
      };
    },
  });
}

/** Everything in a value as one text, whatever it is made of. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item instanceof Map ? [...item] : typeof item === "function" ? String(item) : item,
  );
}
