import { session as current, type HipflaskError } from "hipflask";
import { Suspense } from "react";
import { session } from "@/lib/session";

export default function Page() {
  return (
    <Suspense>
      <Attempts />
    </Suspense>
  );
}

/** What a server component may do with a session, and what it is told where it may not. */
async function Attempts() {
  const visitor = await session();
  const attempts = [
    () => (visitor.username = "rendered"),
    () => visitor.flash("rendered"),
    () => visitor.destroy(),
    () => visitor.regenerate(),
    () => current.username,
  ];
  const told = attempts.map((attempt) => {
    try {
      attempt();
      return "accepted";
    } catch (error) {
      const { code, message } = error as HipflaskError;
      return `${code}: ${message}`;
    }
  });
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
