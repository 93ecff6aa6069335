import { redirect } from "next/navigation";
import { slow } from "@/lib/slow";

/** An action inside of a component cannot be wrapped, and saves by hand. */
async function act() {
  "use server";
  (await slow.session()).seen = true;
  await slow.save();
  redirect("/success");
}

export default function Page() {
  return <form action={act} />;
}
