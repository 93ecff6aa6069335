// Serves the recipe for Elysia by Bun's own server, and prints its port: `bun serve-elysia.ts cookie|store`.
import { memoryStore } from "hipflask/stores/memory";
import { createApp } from "./elysia.ts";

const store = process.argv[2] === "store" && { store: memoryStore() };
const app = createApp({ secretKey: "runtimes", ...store }).listen({ port: 0, hostname: "127.0.0.1" });
console.log(app.server!.port);
