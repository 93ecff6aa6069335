import { crash, leave, remember } from "./actions";
import { stored } from "@/lib/stored";

export default async function Page() {
  const { session } = stored;
  const visitor = await session();
  return (
    <>
      <p>{`${visitor.username ?? "stranger"}, ${visitor.owner}, ${JSON.stringify(visitor.get("_flashes") ?? [])}`}</p>
      <form action={remember} data-name="remember" />
      <form action={leave} data-name="leave" />
      <form action={crash} data-name="crash" />
    </>
  );
}
