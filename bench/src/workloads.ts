/** What a request does with its session: nothing, read one key, or read one and write one. */
export const WORKLOADS = ["open", "read", "save"] as const;
export type Workload = (typeof WORKLOADS)[number];

/**
 * Bytes of JSON in the session: a login, a small cart, and the most that fits into a cookie of 4096 bytes once it is
 * base64 and signed.
 */
export const SIZES = [100, 1000, 2700] as const;
export type Size = (typeof SIZES)[number];

export const sizeName = (size: Size): string => (size < 1000 ? `${size} B` : `${size / 1000} KB`);

/** What the session of a shop's visitor holds. */
export interface Payload {
  readonly username: string;
  readonly visits: number;
  readonly cart: readonly { sku: string; name: string; quantity: number; price: number }[];
  readonly note: string;
}

/** Data of just this many bytes as JSON. */
export function payload(size: Size): Payload {
  const data = { username: "ada", visits: COUNTER_START, cart: [] as Payload["cart"][number][], note: "" };
  const room = () => size - JSON.stringify(data).length;
  for (let n = 0; room() > 100; n++) {
    data.cart.push({
      sku: `sku-${1000 + n}`,
      name: "blue enamel cup",
      quantity: 1 + (n % 3),
      price: 1290 + n,
    });
  }
  data.note = "x".repeat(Math.max(0, room()));
  return data;
}

/** Counters have seven digits, so that all cookies of a run are equally long. */
export const COUNTER_START = 1_000_000;

/** A new number at each call, so that no save repeats another. */
export function counter(): () => number {
  let count = COUNTER_START;
  return () => (count = count === 9_999_999 ? COUNTER_START : count + 1);
}
