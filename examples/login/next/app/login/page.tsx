import { Suspense } from "react";
import { login } from "@/app/actions";

export default function Page(props: PageProps<"/login">) {
  return (
    <main>
      <h1>Log in</h1>
      <Suspense>
        <Form {...props} />
      </Suspense>
    </main>
  );
}

async function Form({ searchParams }: PageProps<"/login">) {
  const { next, failed } = await searchParams;
  return (
    <form action={login}>
      <p role="alert">{failed && "Wrong name or password"}</p>
      <input type="hidden" name="next" value={String(next ?? "/")} />
      <p>
        <label>
          Name <input name="username" autoComplete="username" required />
        </label>
      </p>
      <p>
        <label>
          Password <input type="password" name="password" autoComplete="current-password" required />
        </label>
      </p>
      <p>
        <label>
          <input type="checkbox" name="remember" /> Remember me
        </label>
      </p>
      <button>Log in</button>
    </form>
  );
}
