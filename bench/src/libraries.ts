import { fileURLToPath } from "node:url";
import { Worker } from "./worker-client.ts";

/** A row of the table. */
export interface Library {
  readonly name: string;
  readonly kind: "ours" | "peer";
  readonly start: () => Worker;
}

const python = (script: string): Worker =>
  new Worker("python3", [fileURLToPath(new URL(`../${script}`, import.meta.url))]);

/** Everything that is measured as a session library, in the order of the table. */
export const LIBRARIES: readonly Library[] = [
  { name: "hipflask", kind: "ours", start: () => Worker.node("hipflask") },
  { name: "hipflask, no cache", kind: "ours", start: () => Worker.node("hipflask-uncached") },
  { name: "cookie-session", kind: "peer", start: () => Worker.node("cookie-session") },
  { name: "@fastify/secure-session", kind: "peer", start: () => Worker.node("fastify-secure-session") },
  { name: "express-session (memory)", kind: "peer", start: () => Worker.node("express-session") },
  { name: "itsdangerous.js", kind: "peer", start: () => Worker.node("itsdangerous") },
  { name: "React Router cookie", kind: "peer", start: () => Worker.node("react-router") },
  { name: "iron-session", kind: "peer", start: () => Worker.node("iron-session") },
  { name: "Flask (Python)", kind: "peer", start: () => python("flask-worker.py") },
];
