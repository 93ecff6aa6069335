import type { Session } from "./session.ts";

/** A session at one moment: another text or another id is a change. The cookie does not count. */
export interface Version {
  readonly id: string;
  readonly text: string;
}

/** @throws TypeError for data that cannot be written as JSON */
export function versionOf(session: Session): Version {
  const { cookie: _, ...data } = session;
  return { id: session.id, text: JSON.stringify(data) };
}

export function isSame(a: Version, b: Version | undefined): boolean {
  return a.id === b?.id && a.text === b.text;
}
