import {
  flaskCodec,
  resolveOptions,
  SecureCookieSessionInterface,
  type ResponseHeaders,
} from "../../../dist/index.js";
import type { Cells } from "../measure.ts";
import { counter, payload, sizeName, SIZES, type Size } from "../workloads.ts";
import { floorOpen, floorSave, hmac, pack } from "./platform.ts";

/** What the goals compare with the platform, without a server around it. */
export const cells: Cells = {};

const secretKey = "a secret of the benchmark";
const next = counter();

for (const size of SIZES) {
  cells[`known ${sizeName(size)}`] = () => {
    const { read, text } = opened(size);
    return { subject: read, baseline: () => void hmac(text) };
  };
  cells[`unknown ${sizeName(size)}`] = () => {
    const packed = pack(payload(size));
    return { subject: opened(size, { cache: false }).read, baseline: () => void floorOpen(packed) };
  };
  cells[`save ${sizeName(size)}`] = () => {
    const data = payload(size);
    return { subject: opened(size).save, baseline: () => void floorSave(data) };
  };
}

cells["forged"] = () => {
  const codec = flaskCodec({ secretKey });
  const context = { now: Date.now(), maxAge: 3600, cookieName: "session" };
  const text = forge(opened(SIZES[0]).text);
  const refuse = (): void => {
    if (codec.decode(text, context).ok) throw new Error("A forged cookie was accepted.");
  };
  return { subject: refuse, baseline: () => void hmac(text) };
};

/** A session interface with a cookie to open. */
function opened(size: Size, { cache }: { cache?: false } = {}) {
  const codec = cache === false ? flaskCodec({ secretKey, cache }) : undefined;
  const sessions = new SecureCookieSessionInterface(resolveOptions({ secretKey, codec }));
  const response = { headers: new Headers() };
  const first = sessions.openSession(requestWith(""));
  first.update({ ...payload(size) });
  sessions.saveSession(first, requestWith(""), response);
  const cookie = response.headers.get("Set-Cookie")!.split(";")[0]!;
  const text = cookie.slice("session=".length);
  const request = requestWith(cookie);
  const read = (): void => {
    if (sessions.openSession(request).username !== "ada") throw new Error("The session was not read.");
  };
  read();
  return {
    text,
    read,
    save() {
      const session = sessions.openSession(request);
      session.visits = next();
      sessions.saveSession(session, request, { headers: headerSink() });
    },
  };
}

function forge(text: string): string {
  const last = text.at(-2)!;
  return `${text.slice(0, -2)}${last === "A" ? "B" : "A"}${text.at(-1)}`;
}

const requestWith = (cookie: string) => ({ headers: { get: () => cookie } });

/** The cheapest headers there can be, so that theirs is not what is measured. */
function headerSink(): ResponseHeaders {
  const lines: string[] = [];
  const append = (_: string, line: string) => void lines.push(line);
  return { get: () => null, set: append, append };
}
