import { Suspense } from "react";
import { login, logout } from "@/app/actions";
import { session } from "@/lib/session";

export default function Page() {
  return (
    <main>
      <h1>The shop</h1>
      <Suspense fallback={<p>One moment…</p>}>
        <Visitor />
      </Suspense>
    </main>
  );
}

async function Visitor() {
  const { username } = await session();
  if (username)
    return (
      <form action={logout}>
        hello, {username} <button>Log out</button>
      </form>
    );
  return (
    <form action={login}>
      hello, stranger <input name="username" /> <button>Log in</button>
    </form>
  );
}
