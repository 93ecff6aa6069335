/**
 * Three real servers on loopback in one process: bare, with a session read, with a session written. Prints where they
 * listen and what to send as one line of JSON, and ends with its stdin.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { cookieFrom, dispatch, type Handler } from "./dispatch.ts";
import { hipflask } from "./subjects/hipflask-peer.ts";
import { payload, SIZES } from "./workloads.ts";

const peer = hipflask();
const cookie = cookieFrom(await dispatch(peer.login(payload(SIZES[0])), ""));

function listen(handler: Handler): Promise<number> {
  const server = createServer((req, res) => void handler(req, res));
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const ports = { bare: await listen(peer.bare), read: await listen(peer.read), save: await listen(peer.save) };
process.stdout.write(`${JSON.stringify({ cookie, ports })}\n`);
process.stdin.on("end", () => process.exit()).resume();
