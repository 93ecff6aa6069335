// Loaded before an example runs: its server gets a free port, and does not keep the process from ending.
import { Server } from "node:net";

const { listen } = Server.prototype;

Server.prototype.listen = function listenAnywhere(...args) {
  const done = args.findLast((argument) => typeof argument === "function");
  return listen.call(this, { port: 0, host: "127.0.0.1" }, done).unref();
};
