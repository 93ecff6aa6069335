// Checked by the test, never run: what SvelteKit's types say of ours.
import type { Handle, RequestEvent } from "@sveltejs/kit";
import { sessions } from "hipflask/sveltekit";

export const handle: Handle = sessions({ secretKey: "types" });

export function username({ locals }: RequestEvent): string | undefined {
  // @ts-expect-error -- of another type
  locals.session.username = 7;
  return locals.session.username;
}
