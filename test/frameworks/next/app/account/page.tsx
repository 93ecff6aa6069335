import { redirect } from "next/navigation";
import { Suspense } from "react";
import { session } from "@/lib/session";

export default function Page() {
  return (
    <Suspense fallback={<p>One moment…</p>}>
      <Account />
    </Suspense>
  );
}

/** Kept by the browser, never on the server: what a link to the page fetches ahead of time may hold it. */
async function getUsername() {
  "use cache: private";
  return (await session()).username;
}

async function Account() {
  const username = await getUsername();
  if (username === undefined) redirect("/");
  return <Orders username={username} />;
}

/** For every visitor of this name: a cached function gets its values, and cannot ask for the session. */
async function Orders({ username }: { username: string }) {
  "use cache";
  return <p>The orders of {username}</p>;
}
