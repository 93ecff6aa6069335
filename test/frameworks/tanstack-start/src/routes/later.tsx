import { Await, createFileRoute } from "@tanstack/react-router";
import { createServerFn } from "@tanstack/react-start";
import { session, streamWithContext } from "hipflask";
import { Suspense } from "react";
import { waitingForRelease } from "../waiting";

const getLater = createServerFn().handler(async () => {
  const read = streamWithContext(async () => {
    await waitingForRelease();
    return session.username ?? "stranger";
  });
  return read();
});

export const Route = createFileRoute("/later")({
  loader: () => ({ later: getLater() }),
  component: Later,
});

function Later() {
  const { later } = Route.useLoaderData();
  return (
    <Suspense fallback={<p>wait</p>}>
      <Await promise={later}>{(username) => <p>{`later, ${username}`}</p>}</Await>
    </Suspense>
  );
}
