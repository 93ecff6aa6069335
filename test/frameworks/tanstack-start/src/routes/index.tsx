import { createFileRoute } from "@tanstack/react-router";
import { getVisitor } from "../visitor";

export const Route = createFileRoute("/")({ loader: () => getVisitor(), component: Home });

function Home() {
  const { username, messages } = Route.useLoaderData();
  return (
    <>
      {messages.map((message) => (
        <p key={message}>{message}</p>
      ))}
      <h1>{`hello, ${username}`}</h1>
      <form method="post" action="/login">
        <input name="username" />
        <button>Log in</button>
      </form>
      <form method="post" action="/logout">
        <button>Log out</button>
      </form>
    </>
  );
}
