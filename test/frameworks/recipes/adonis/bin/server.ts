import type { Ignitor } from "@adonisjs/core";
import { createServer } from "node:http";
import type { SessionOptions } from "hipflask";
import { sessions } from "hipflask/node";

export function start(ignitor: Ignitor, options: SessionOptions) {
  const withSession = sessions(options);
  return ignitor.httpServer().start((handler) => createServer(withSession(handler)));
}
