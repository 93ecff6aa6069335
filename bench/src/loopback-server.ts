/**
 * Real servers on loopback, one for each handler. Prints where they listen and what to send as one line of JSON, and
 * ends with its stdin.
 *
 * Usage: node loopback-server.js bare|hipflask
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answer, cookieFrom, dispatch, type Handler } from "./dispatch.ts";
import { hipflask } from "./subjects/hipflask-peer.ts";
import { floorOpen, floorSave, pack } from "./subjects/platform.ts";
import { counter, payload, SIZES } from "./workloads.ts";

/** What is left of a save without a library: parse, change, sign, and the headers a session must set. */
function saveOnFloor(): Handler {
  const packed = pack(payload(SIZES[0]));
  const next = counter();
  return (_, res) => {
    const data = { ...(floorOpen(packed) as object), visits: next() };
    res.setHeader("Vary", "Cookie");
    res.setHeader("Set-Cookie", `session=${floorSave(data)}; HttpOnly; Path=/`);
    res.setHeader("Cache-Control", "no-store");
    answer(res, "ok");
  };
}

function listen(handler: Handler): Promise<number> {
  const server = createServer((req, res) => void handler(req, res));
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

async function start(): Promise<object> {
  if (process.argv[2] === "bare") {
    return { bare: await listen((_, res) => answer(res, "ok")), floor: await listen(saveOnFloor()) };
  }
  const peer = hipflask();
  const cookie = cookieFrom(await dispatch(peer.login(payload(SIZES[0])), ""));
  return {
    cookie,
    open: await listen(peer.open!),
    read: await listen(peer.read),
    save: await listen(peer.save),
  };
}

process.stdout.write(`${JSON.stringify(await start())}\n`);
process.stdin.on("end", () => process.exit()).resume();
