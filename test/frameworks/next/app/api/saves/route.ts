import { redirect } from "next/navigation";
import { save, session, withSession } from "@/lib/session";

const visitAgain = withSession(async () => {
  const visitor = await session();
  visitor.visits = (visitor.visits ?? 0) + 1;
});

/** By hand, several times, and before a redirect. */
export async function GET(): Promise<Response> {
  await save();
  const first = await session();
  first.username = "saved";
  await save();
  await save();
  let late = "accepted";
  try {
    first.visits = 7;
  } catch (error) {
    late = (error as Error).message;
  }
  const second = await session();
  second.visits = late.startsWith("This session was saved") && second.username === "saved" ? 2 : 0;
  await save();
  // What is wrapped saves by itself, also here, and leaves the rest to whoever comes after it.
  await visitAgain();
  (await session()).username = "saved again";
  await save();
  redirect("/api/forever");
}
