import { Suspense } from "react";
import { crash, forget, leave, remember } from "./actions";
import { stored } from "@/lib/stored";

export default function Page() {
  return (
    <Suspense>
      <Visitor />
    </Suspense>
  );
}

async function Visitor() {
  const visitor = await stored.session();
  return (
    <>
      <p>{`${visitor.username ?? "stranger"}, ${visitor.owner}, ${JSON.stringify(visitor.get("_flashes") ?? [])}`}</p>
      <form action={remember} data-name="remember" />
      <form action={leave} data-name="leave" />
      <form action={crash} data-name="crash" />
      <form action={forget} data-name="forget" />
    </>
  );
}
