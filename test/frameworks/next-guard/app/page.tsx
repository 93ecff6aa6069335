import { session } from "@/lib/session";

export default async function Page() {
  const visitor = await session();
  return <p>{JSON.stringify(visitor.get("_flashes") ?? [])}</p>;
}
