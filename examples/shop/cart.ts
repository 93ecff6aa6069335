import { catalogue, type Good } from "./catalogue.ts";
import { orderNumber } from "./order-number.ts";
import { session } from "./session.ts";

/** Maximum quantity of a product in a cart. */
export const MAX_QUANTITY = 9;

export interface CartLine {
  readonly good: Good;
  readonly quantity: number;
}

/** The visitor's cart in the order of the shelf. */
export function cartLines(): CartLine[] {
  const cart = session.cart ?? {};
  return [...catalogue.values()]
    .map((good) => ({ good, quantity: cart[good.id] ?? 0 }))
    .filter(({ quantity }) => quantity > 0);
}

/** In yuan. */
export function totalOf(lines: readonly CartLine[]): number {
  return lines.reduce((sum, { good, quantity }) => sum + good.price * quantity, 0);
}

export function countOf(lines: readonly CartLine[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** @returns whether there was room for one more. */
export function addToCart({ id }: Good): boolean {
  const quantity = session.cart?.[id] ?? 0;
  if (quantity >= MAX_QUANTITY) return false;
  setQuantity(id, quantity + 1);
  return true;
}

/** Sets the quantity of a product; 0 removes it. */
export function setQuantity(id: string, quantity: number): void {
  const cart = (session.cart ??= {});
  session.order ??= orderNumber();
  // Nested changes are detected, so no assignment is needed.
  if (quantity > 0) cart[id] = quantity;
  else delete cart[id];
  if (Object.keys(cart).length === 0) emptyCart();
}

export function emptyCart(): void {
  delete session.cart;
  delete session.order;
}
