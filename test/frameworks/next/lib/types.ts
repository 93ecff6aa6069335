// Checked when the app is built, never run: what Next's types say of ours.
import type { NextProxy, NextRequest } from "next/server";
import { proxy, session, withSession } from "@/lib/session";

export const asProxy: NextProxy = proxy;
export const ownProxy: NextProxy = withSession<[NextRequest], undefined>(() => undefined);

const typed = withSession(async (name: string, count?: number): Promise<string> => name.repeat(count ?? 1));
export const repeated: Promise<string> = typed("ada", 2);
// @ts-expect-error -- it keeps the types of what it wraps
typed(7);

export async function declared(): Promise<string | undefined> {
  const visitor = await session();
  // @ts-expect-error -- of another type
  visitor.username = 7;
  return visitor.username;
}
