// Checked, never run: what the type checker says of a session whose app has declared its data. A program of its own,
// since a declaration like this one counts for every file that is checked with it.
import {
  createSession,
  getSession,
  session,
  type ReservedName,
  type Session,
  type SessionData,
} from "hipflask";

interface Item {
  sku: string;
  count: number;
}

declare module "hipflask" {
  interface SessionData {
    username: string;
    cart: Item[];
    /** A method's name: data of that name is reached with `get` and `set`. */
    update: number;
  }
}

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(answer: Same<A, B>): void;

// Properties have their declared type and may always be absent.
same<typeof session.username, string | undefined>(true);
same<typeof session.cart, Item[] | undefined>(true);
session.username = "ada";
session.cart = [{ sku: "tea", count: 2 }];
session.cart?.push({ sku: "cup", count: 1 });
delete session.username;
export const known: boolean = "username" in session;

// @ts-expect-error -- it may be absent
export const certain: string = session.username;
// @ts-expect-error -- of another type
session.username = 7;
// @ts-expect-error -- nobody declared it
session.user = "ada";
// @ts-expect-error -- nobody declared it
export const unknownKey = session.user;

// The methods know the same keys and types.
same<ReturnType<typeof session.get<"username">>, string | undefined>(true);
session.set("username", "ada");
export const popped: string | null = session.pop("username", null) ?? null;
export const cart: Item[] = session.setDefault("cart", []);
session.update({ username: "grace" });
export const total: Item[] = session.transact("cart", (items = []) => [...items, { sku: "tea", count: 1 }]);
session.regenerate({ keep: ["cart"] });
session.get("_flashes");

// @ts-expect-error -- of another type
session.set("username", 7);
// @ts-expect-error -- nobody declared it
session.get("user");
// @ts-expect-error -- nobody declared it
session.pop("user");
// @ts-expect-error -- of another type
session.update({ username: 7 });
// @ts-expect-error -- of another type
session.transact("username", () => 7);
// @ts-expect-error -- nobody declared it
session.regenerate({ keep: ["user"] });

// A reserved name means the method, whatever the data says; `get` and `set` reach the data.
same<Extract<"update" | "get" | "username", ReservedName>, "update" | "get">(true);
session.set("update", 7);
same<ReturnType<typeof session.get<"update">>, number | undefined>(true);
// @ts-expect-error -- a method is not assigned to
session.update = 7;
// @ts-expect-error -- a flag that only reads
session.isNew = true;

// However one comes by a session, it is the same type.
same<typeof session, Session>(true);
same<ReturnType<typeof getSession>, Session>(true);
same<ReturnType<typeof createSession>, Session>(true);
same<Session, Session<SessionData>>(true);

// Data of one's own, without a declaration.
declare const own: Session<{ theme: "dark" | "light" }>;
own.theme = "dark";
// @ts-expect-error -- not one of them
own.theme = "blue";
// @ts-expect-error -- another shape's key
own.username = "ada";

// What a dictionary gives, whatever it holds.
export const pairs: [string, unknown][] = [...session];
export const flashed: string[] = session.getFlashedMessages();
export const withCategories: [string, string][] = session.getFlashedMessages({ withCategories: true });
session.permanent = true;
