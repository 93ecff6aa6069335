import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { connect } from "node:net";
import { vi } from "vitest";
import { freePort } from "./free-port.ts";

const program = ["/usr/bin/memcached", "/usr/local/bin/memcached"].find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});

/** Whether tests on Memcached are to be skipped, with the reason for the title. In CI they run, and fail. */
export const memcached = {
  skip: program === undefined && !process.env["CI"],
  note: program === undefined ? " (skipped: there is no memcached)" : "",
};

/** Starts Debian's memcached on a free port. */
export async function startMemcached(): Promise<{ port: number; stop(): void }> {
  const port = await freePort();
  const asRoot = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const server = spawn(program!, ["-l", "127.0.0.1", "-p", String(port), ...asRoot], { stdio: "ignore" });
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(!socket.destroy().connecting));
      socket.on("error", () => resolve(false));
    });
  await vi.waitFor(async () => {
    if (!(await answers())) throw new Error("memcached does not answer yet");
  }, 10_000);
  return { port, stop: () => void server.kill() };
}
