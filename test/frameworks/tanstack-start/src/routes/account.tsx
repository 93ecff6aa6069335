import { createFileRoute, redirect } from "@tanstack/react-router";
import { countVisit, getVisitor } from "../visitor";

export const Route = createFileRoute("/account")({
  beforeLoad: async () => {
    const { username } = await getVisitor();
    if (username === "stranger") throw redirect({ to: "/" });
  },
  loader: () => countVisit(),
  component: Account,
});

function Account() {
  return <p>{`visit ${Route.useLoaderData()}`}</p>;
}
