import Link from "next/link";
import { Suspense } from "react";
import { logout } from "@/app/actions";
import { session } from "@/lib/session";

export default function Page() {
  return (
    <main>
      <Suspense>
        <Visitor />
      </Suspense>
    </main>
  );
}

async function Visitor() {
  const { userId } = await session();
  return (
    <>
      <h1>{`Hello, ${userId ?? "stranger"}`}</h1>
      {userId === undefined ? (
        <Link href="/login">Log in</Link>
      ) : (
        <form action={logout}>
          <p>
            <Link href="/devices">Your devices</Link>
          </p>
          <button>Log out</button>
        </form>
      )}
    </>
  );
}
