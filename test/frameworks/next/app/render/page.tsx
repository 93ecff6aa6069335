import type { HipflaskError } from "hipflask";
import { save, session } from "@/lib/session";

/** What a server component may do with a session, and what it is told where it may not. */
export default async function Page() {
  const visitor = await session();
  const attempts = [
    () => (visitor.username = "rendered"),
    () => visitor.flash("rendered"),
    () => visitor.destroy(),
    () => visitor.regenerate(),
    () => save(),
  ];
  const told = [];
  for (const attempt of attempts) {
    try {
      await attempt();
      told.push("accepted");
    } catch (error) {
      const { code, message } = error as HipflaskError;
      told.push(`${code}: ${message}`);
    }
  }
  return (
    <>
      <pre>{JSON.stringify(told)}</pre>
      <Same first={visitor} />
      <p>{JSON.stringify(visitor)}</p>
    </>
  );
}

async function Same({ first }: { first: object }) {
  return <p>{first === (await session()) ? "the same session" : "another session"}</p>;
}
