// Serves the recipe for Elysia by Bun's own server, and prints its port.
import { createApp } from "./elysia.ts";

const app = createApp({ secretKey: "runtimes" }).listen({ port: 0, hostname: "127.0.0.1" });
console.log(app.server!.port);
