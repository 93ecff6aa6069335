import { connect } from "node:net";
import { vi } from "vitest";
import { notInUnit } from "../support/project.ts";

// Full figures take longer than a test usually may, most of all on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

/** The published figures in CI, a quick look otherwise. */
export const fullScale = process.env.CI ? 1 : 0.02;

/** Whether the tests of a service are to be skipped, and the reason for the title. In CI they run, and fail. */
export async function reachable(
  name: string,
  variable: string,
  url: string,
): Promise<{ skip: boolean; note: string }> {
  notInUnit(name);
  const { hostname, port } = new URL(url);
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: 2000 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("timeout", () => done(false));
  });
  if (answers) return { skip: false, note: "" };
  const note = ` (skipped: no ${name} at ${hostname}:${port}; set ${variable})`;
  return { skip: !process.env.CI, note };
}
