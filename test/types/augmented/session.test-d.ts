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
  interface FlashMessages {
    message: string;
    added: { sku: string };
    40: string[];
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
// @ts-expect-error -- not declared
session.user = "ada";
// @ts-expect-error -- not declared
export const unknownKey = session.user;

// The methods know the same keys and types.
export const named: string | undefined = session.get("username");
export const greeted: string = session.get("username", "stranger");
export const counted: Item[] | null = session.get("cart", null);
// @ts-expect-error -- it may be absent
export const perhaps: string = session.get("username");
session.set("username", "ada");
// Undefined removes a key, whichever way it is assigned.
session.username = undefined;
session.set("username", undefined);
session.update({ username: undefined });
export const popped: string | null = session.pop("username", null) ?? null;
export const cart: Item[] = session.setDefault("cart", []);
session.update({ username: "grace" });
export const total: Item[] = session.transact("cart", (items = []) => [...items, { sku: "tea", count: 1 }]);
session.regenerate({ keep: ["cart"] });
session.get("_flashes");

// @ts-expect-error -- of another type
session.set("username", 7);
// @ts-expect-error -- not declared
session.get("user");
// @ts-expect-error -- not declared
session.pop("user");
// @ts-expect-error -- of another type
session.update({ username: 7 });
// @ts-expect-error -- of another type
session.transact("username", () => 7);
// @ts-expect-error -- not declared
session.regenerate({ keep: ["user"] });

// A reserved name means the method, whatever the data says; `get` and `set` reach the data.
same<Extract<"update" | "get" | "username", ReservedName>, "update" | "get">(true);
session.set("update", 7);
export const updates: number | undefined = session.get("update");
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

// Flashed messages have the types that were declared for their categories.
session.flash("saved");
session.flash({ sku: "tea" }, "added");
session.flash(["disk", "full"], 40);
same<Flashed, string | string[] | { sku: string }>(true);
type Flashed = ReturnType<typeof session.getFlashedMessages>[number] extends [unknown, infer Message]
  ? Message
  : never;
export const added: { sku: string }[] = session.getFlashedMessages({ categoryFilter: ["added"] });
for (const [category, message] of session.getFlashedMessages({ withCategories: true })) {
  if (category === "added") message.sku satisfies string;
}
// @ts-expect-error -- a message of another type
session.flash({ sku: 7 }, "added");
// @ts-expect-error -- not declared
session.flash("saved", "warning");
// @ts-expect-error -- of the category "message", which holds text
session.flash(7);
// @ts-expect-error -- not declared
session.getFlashedMessages({ categoryFilter: ["warning"] });
session.permanent = true;
