import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import process from "node:process";
import type { SessionRequest } from "../interfaces/session-interface.ts";
import { SessionManager } from "../manager/manager.ts";
import { parseCommand, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { demoApp } from "./demo-app.ts";
import { answers, openStore } from "./open-store.ts";
import { secretKeyOf } from "./secret.ts";
import type { Terminal } from "./terminal.ts";

export const demo: Command = {
  summary: "a small app with the inspector, reachable only from this machine",
  help: `Usage: hipflask demo [--port N] [--store URL]

Starts a small app that greets you and remembers your name, with the inspector, a page that shows what each request does with
its session. Both can only be reached from this machine.

Options:
  --port N          default 5000, or PORT in the environment; 0 for any free port
  --store URL       where to keep the sessions: memory:, sqlite:demo.db, redis://localhost, …; default: in the cookie

Examples:
  hipflask demo
  hipflask demo --port 5001 --store memory:`,
  run,
};

const OPTIONS = { port: { type: "string" }, store: { type: "string" } } as const;

/** The browser's description in the list of sessions. */
const device = ({ headers }: SessionRequest) => (headers.get("User-Agent") ?? "").slice(0, 200);

async function run(args: string[], terminal: Terminal): Promise<number> {
  const { values } = parseCommand(args, OPTIONS, 0);
  const port = Number(values.port ?? terminal.env.PORT ?? 5000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageError("--port is a number up to 65535.");
  const store = values.store === undefined ? undefined : await openStore(values.store);
  // A store connects at its first use; report errors now instead of at the first request.
  if (store) await answers(store);
  const secretKey = secretKeyOf(terminal) ?? randomBytes(32).toString("base64url");
  const manager = new SessionManager({ secretKey, cookieSameSite: "Lax", store, storeOptions: { device } });
  const server = createServer(demoApp(manager, { hasOwners: store !== undefined }));
  try {
    return (await listen(server, port, terminal)) ? await interrupted(server) : 1;
  } finally {
    await manager.close();
  }
}

async function listen(server: Server, port: number, { print, complain }: Terminal): Promise<boolean> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve);
    // Only on this machine, since the inspector is open to everyone.
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  });
  if (error !== undefined) {
    complain(
      error.code === "EADDRINUSE"
        ? `Port ${port} is in use (on a Mac, often by AirPlay). Choose another one: hipflask demo --port 5001`
        : `The demo cannot listen on port ${port}: ${error.code}`,
    );
    return false;
  }
  const address = server.address();
  const url = `http://localhost:${typeof address === "object" && address !== null ? address.port : port}`;
  print(`The app:        ${url}/`);
  print(`The inspector:  ${url}/inspector`);
  print("Stop with Ctrl-C.");
  return true;
}

async function interrupted(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  server.close();
  server.closeAllConnections();
  return 0;
}
