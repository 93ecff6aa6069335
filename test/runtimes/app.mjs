// The app that is served on every runtime: plain JavaScript, importing the package by name as users do.
import { session, SessionClosedError, streamWithContext } from "hipflask";

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let lateWrite = "none";
/** Slow requests that have begun, and whether they may go on. */
let begun = 0;
const gate = { isOpen: false };

async function* stream() {
  yield "one,";
  await pause(2);
  try {
    session.late = true;
    lateWrite = "accepted";
  } catch (error) {
    lateWrite = error instanceof SessionClosedError ? "refused" : String(error);
  }
  yield String(session.username);
}

const routes = {
  "/": () => `hello, ${session.username ?? "stranger"}`,
  "/untouched": () => "ok",
  "/logout": () => (session.destroy(), "bye"),
  "/redirect": () => {
    session.username = "redirected";
    return new Response(null, { status: 303, headers: { Location: "/" } });
  },
  "/throws": () => {
    session.username = "failed";
    throw new Error("on purpose");
  },
  "/values": () => {
    session.held ??= { bytes: new Uint8Array([1, 255]), when: new Date(0), big: 2n ** 70n, list: [] };
    session.held.list.push(session.held.list.length);
    const { bytes, when, big, list } = session.held;
    return `${bytes} ${when.toISOString()} ${big} ${list}`;
  },
  "/long": () => ((session.long = "x".repeat(20_000)), "kept"),
  "/long/length": () => String(session.long.length),
  "/mixed": async () => {
    const mine = session.username;
    await pause(Math.random() * 5);
    return `${mine}/${session.username}`;
  },
  "/stream": () => {
    session.username = "streamed";
    return streamWithContext(stream());
  },
  "/late": () => lateWrite,
  "/keys": () => [...session.keys()].sort().join(),
  "/count": () => String(session.transact("count", (count) => (count ?? 0) + 1)),
  "/slow": async () => {
    begun += 1;
    while (!gate.isOpen) await pause(2);
    session.late = true;
    return "late";
  },
  "/begun": () => String(begun),
  "/release": () => ((gate.isOpen = true), "released"),
};

/** A response, a text, or chunks of text. */
export function answer(path) {
  if (path.startsWith("/login/")) {
    session.username = path.slice("/login/".length);
    return "login success";
  }
  if (path.startsWith("/set/")) {
    session[path.slice("/set/".length)] = true;
    return "set";
  }
  return (routes[path] ?? (() => new Response("not found", { status: 404 })))();
}

/** The same as a response of the web. */
export async function respond(request) {
  const body = await answer(new URL(request.url).pathname);
  if (body instanceof Response || typeof body === "string")
    return body instanceof Response ? body : new Response(body);
  const encoder = new TextEncoder();
  const readable = new ReadableStream({
    async pull(controller) {
      const { done, value } = await body.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
  return new Response(readable);
}
