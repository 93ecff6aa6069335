import { login, logout } from "@/app/actions";
import { session } from "@/lib/session";

export default async function Page() {
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
