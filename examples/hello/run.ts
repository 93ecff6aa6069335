import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";

/** The options of Flask's `app.run`. */
export interface RunOptions {
  readonly host: string;
  /** The environment variable PORT takes precedence; 0: any free port. */
  readonly port: number;
  /** Error pages show the stack. `tsx watch` is the other half of Flask's debug mode, the reloader. */
  readonly debug?: boolean;
}

/** A small version of Flask's `app.run`: listens, prints the address, and shows errors in debug mode. */
export function run(app: Hono, { host, port, debug = false }: RunOptions): void {
  app.onError((error, c) => {
    console.error(error);
    return c.text(debug ? `${error.stack}\n` : "Internal Server Error\n", 500);
  });

  const wanted = Number(process.env.PORT ?? port);
  const server = createAdaptorServer({ fetch: app.fetch });
  server.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    console.error(`Port ${wanted} is taken. Choose another one: PORT=5001 npm run hello`);
    process.exitCode = 1;
  });
  server.listen(wanted, host, () => {
    const address = server.address();
    const actual = typeof address === "object" && address !== null ? address.port : wanted;
    console.log(` * Running on http://127.0.0.1:${actual} (all addresses: ${host}:${actual})`);
    if (debug) console.log(" * Debug mode: on");
  });
}
