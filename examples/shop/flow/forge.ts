import { inspectCookie } from "hipflask";
import { forgeToken, isToken } from "./token.ts";

/**
 * The cookie with one byte of its data changed, as an attacker without the key could do. Chooses a byte that keeps the data
 * readable, of the name if there is one, so that the change is visible.
 */
export function forge(cookie: string): string {
  if (isToken(cookie)) return forgeToken(cookie);
  const { payload, json } = inspectCookie(cookie);
  const altered = (json !== undefined && !payload.startsWith(".") && alterText(json)) || flipMiddle(payload);
  return altered + cookie.slice(payload.length);
}

function alterText(json: string): string | undefined {
  const bytes = Buffer.from(json);
  const name = /"username":"(?:[^"\\]|\\.)*/.exec(json);
  const start =
    name === null ? bytes.length - 1 : Buffer.byteLength(json.slice(0, name.index + name[0].length)) - 1;
  for (let step = 0; step < bytes.length; step++) {
    const at = (start - step + bytes.length) % bytes.length;
    bytes[at]! ^= 1;
    if (isDifferentData(bytes, json)) return bytes.toString("base64url");
    bytes[at]! ^= 1;
  }
  return undefined;
}

function isDifferentData(bytes: Buffer, json: string): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.stringify(JSON.parse(text)) !== JSON.stringify(JSON.parse(json));
  } catch {
    return false;
  }
}

/** For compressed data, any character can change. */
function flipMiddle(payload: string): string {
  const middle = Math.floor(payload.length / 2);
  return payload.slice(0, middle) + (payload[middle] === "A" ? "B" : "A") + payload.slice(middle + 1);
}
