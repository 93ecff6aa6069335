import { createServer } from "node:http";
import { sessions } from "hipflask/node";
export function start(ignitor, options) {
  const withSession = sessions(options);
  return ignitor.httpServer().start((handler) => createServer(withSession(handler)));
}
