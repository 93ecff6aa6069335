import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";

/** What Flask's `app.run` takes. */
export interface RunOptions {
  readonly host: string;
  /** The environment's PORT goes first; 0 takes any free one. */
  readonly port: number;
  /** Error pages show the stack. The other half of Flask's debug mode, the reloader, is `tsx watch`. */
  readonly debug?: boolean;
}

/** Flask's `app.run` in small: listens, says where, and in debug mode shows what went wrong. */
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
