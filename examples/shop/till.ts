import type { CartLine } from "./cart.ts";

export interface Order {
  readonly number: string;
  readonly customer: string;
  readonly lines: readonly CartLine[];
  readonly total: number;
}

/**
 * Where orders are placed, each number once. A cookie can be sent twice (a double click, the back button, two tabs), so
 * it is the till that remembers, and not the session, whether a cart has been paid for.
 */
export class Till {
  readonly #orders = new Map<string, Order>();
  readonly #capacity: number;

  /** @param capacity orders to remember; a demo forgets the oldest, a shop would not */
  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  /** Takes the order, unless one of this number was taken before: then that one counts. */
  place(order: Order): Order {
    const known = this.#orders.get(order.number);
    if (known !== undefined) return known;
    this.#orders.set(order.number, order);
    if (this.#orders.size > this.#capacity) this.#orders.delete(this.#orders.keys().next().value!);
    return order;
  }

  find(number: string): Order | undefined {
    return this.#orders.get(number);
  }

  /** How many orders were taken. */
  get size(): number {
    return this.#orders.size;
  }
}
