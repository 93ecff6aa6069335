import { session } from "@/lib/session";

export default async function Page() {
  return <p>{JSON.stringify(await session())}</p>;
}
