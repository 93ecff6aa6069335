import { redirect } from "next/navigation";
import { Suspense } from "react";
import { logoutDevice, logoutEverywhere } from "@/app/actions";
import { manager, session } from "@/lib/session";

export default function Page() {
  return (
    <main>
      <h1>Your devices</h1>
      <Suspense>
        <Devices />
      </Suspense>
    </main>
  );
}

async function Devices() {
  const current = await session();
  if (current.userId === undefined) redirect("/login?next=/devices");
  if (!manager) return <p>Only the browser has a session in a cookie.</p>;
  const devices = await manager.list(current.owner ?? "", { current });
  return (
    <>
      {devices.map(({ selector, device, lastSeenAt, isCurrent }) => (
        <form key={selector} action={logoutDevice}>
          {`${device}, last seen ${new Date(lastSeenAt).toUTCString()} ${isCurrent ? "(this one)" : ""} `}
          <button name="selector" value={selector}>
            Log out
          </button>
        </form>
      ))}
      <form action={logoutEverywhere}>
        <button>Log out everywhere</button>
      </form>
    </>
  );
}
