// Checked, never run: what the type checker says of a session whose data is declared by schemas.
import * as v from "valibot";
import { z } from "zod";
import { session, type InferSessionData, type SessionOptions, type StandardSchemaV1 } from "hipflask";

const schema = z
  .object({ username: z.string(), visits: z.coerce.number<number>(), theme: z.string().default("day") })
  .partial();
const flat = v.partial(v.object({ cart: v.array(v.string()) }));

declare module "hipflask" {
  interface SessionData extends InferSessionData<typeof schema>, InferSessionData<typeof flat> {}
}

// Both libraries' schemas fit the option as they are.
export const options: SessionOptions[] = [{ schema }, { schema: flat }, { schema: v.strictObject({}) }];
// @ts-expect-error -- no schema
export const none: SessionOptions = { schema: z.object };

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(answer: Same<A, B>): void;

same<typeof session.username, string | undefined>(true);
same<typeof session.cart, string[] | undefined>(true);
// A default is not filled in, so it may be absent.
same<typeof session.theme, string | undefined>(true);
session.username = "ada";
session.cart = ["tea"];
// @ts-expect-error -- of another type
session.username = 7;
// @ts-expect-error -- in no schema
session.user = "ada";

// Library-free schemas too.
declare const own: StandardSchemaV1<{ a: 1 }, { a: 2 }>;
same<InferSessionData<typeof own>, { a: 1 }>(true);
