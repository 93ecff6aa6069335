// Checked, never run: without a declared shape a session is a plain dictionary, as Flask's.
import { session, type Session } from "hipflask";

session.username = "ada";
session.username = 7;
export const name: string = session.username;
export const nested: number = session.cart.items[0].count;
session.set("anything", { at: new Date() });
export const popped: number = session.pop("count", 0);
session.update({ a: 1, b: [2] });
export const fallback: number = session.get("count", 0);
session.flash("text");
session.flash({ any: ["value"] }, 40);
export const texts: string[] = session.getFlashedMessages();
export const pairs: [string, string][] = session.getFlashedMessages({ withCategories: true });
session.update([["a", 1]]);

// The session's own names are typed all the same.
export const size: number = session.size;
session.permanent = true;
// @ts-expect-error -- a flag that only reads
session.isNew = true;
// @ts-expect-error -- a flag of another type
session.permanent = "yes";
// @ts-expect-error -- a method is not assigned to
session.get = 7;
// @ts-expect-error -- a method is not called like that
session.set("username");

export const take = (given: Session): Session => given;
