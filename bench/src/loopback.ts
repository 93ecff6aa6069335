import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { HEADERS } from "./dispatch.ts";
import type { Reading } from "./measure.ts";
import type { Workload } from "./workloads.ts";

/** As many keep-alive connections as keep one Node process busy. */
const CONNECTIONS = 16;

/** Servers to be measured over real sockets. */
export interface Loopback {
  /** Requests per second of a server and of the bare one, one after the other. */
  readonly measure: (server: "floor" | Workload, milliseconds: number) => Promise<Reading>;
  readonly stop: () => void;
}

export async function startLoopback(): Promise<Loopback> {
  // The bare server has a process of its own: an AsyncLocalStorage, once it is used, slows down every timer and promise
  // of its process on Node before 24, and that is part of what sessions cost.
  const [bare, ours] = await Promise.all([start("bare"), start("hipflask")]);
  const request = requestText(ours.cookie);
  return {
    measure: async (name, milliseconds) => ({
      baseline: await requestsPerSecond(bare.bare, request, milliseconds),
      subject: await requestsPerSecond(name === "floor" ? bare.floor : ours[name], request, milliseconds),
    }),
    stop() {
      bare.stop();
      ours.stop();
    },
  };
}

/** What a server process says of itself: a cookie to send, and ports by name. */
type Servers = { readonly cookie: string; readonly stop: () => void } & Record<
  "bare" | "floor" | Workload,
  number
>;

async function start(which: "bare" | "hipflask"): Promise<Servers> {
  const script = fileURLToPath(new URL("loopback-server.js", import.meta.url));
  const server = spawn(process.execPath, [script, which], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  return { ...(JSON.parse(line.toString()) as Servers), stop: () => server.stdin.end() };
}

/** Asks over and over on all connections. All answers are equally long, so counting bytes counts answers. */
async function requestsPerSecond(port: number, request: Buffer, milliseconds: number): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(port)));
  const length = await lengthOfAnswer(sockets[0]!, request);
  const start = performance.now();
  const end = start + milliseconds;
  const counts = await Promise.all(sockets.map((socket) => ask(socket, request, length, end)));
  const elapsed = performance.now() - start;
  for (const socket of sockets) socket.destroy();
  return (counts.reduce((sum, count) => sum + count, 0) / elapsed) * 1000;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  await once(socket, "connect");
  return socket;
}

async function lengthOfAnswer(socket: Socket, request: Buffer): Promise<number> {
  socket.write(request);
  let text = "";
  for (;;) {
    text += String(((await once(socket, "data")) as [Buffer])[0]);
    const head = text.indexOf("\r\n\r\n");
    const body = Number(/^content-length: (\d+)/im.exec(text)?.[1]);
    if (!text.startsWith("HTTP/1.1 200")) throw new Error(`The server answers ${text.split("\r\n")[0]}.`);
    if (head !== -1 && text.length >= head + 4 + body) return head + 4 + body;
  }
}

/** @returns how many answers came until the end */
function ask(socket: Socket, request: Buffer, length: number, end: number): Promise<number> {
  return new Promise((resolve) => {
    let answers = 0;
    let missing = length;
    socket.on("data", (chunk: Buffer) => {
      missing -= chunk.length;
      if (missing > 0) return;
      answers++;
      missing = length;
      if (performance.now() < end) socket.write(request);
      else resolve(answers);
    });
    socket.write(request);
  });
}

/** What a browser sends. */
export function requestText(cookie: string): Buffer {
  let text = "GET / HTTP/1.1\r\n";
  for (let at = 0; at < HEADERS.length; at += 2) text += `${HEADERS[at]}: ${HEADERS[at + 1]}\r\n`;
  return Buffer.from(`${text}Cookie: ${cookie}\r\n\r\n`);
}
