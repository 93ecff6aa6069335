import { redirect } from "next/navigation";
import { slow } from "@/lib/slow";

/** An action inside a component cannot be wrapped, and wraps what it does. */
async function act() {
  "use server";
  await slow.withSession(async () => {
    (await slow.session()).seen = true;
    redirect("/success");
  })();
}

export default function Page() {
  return <form action={act} />;
}
