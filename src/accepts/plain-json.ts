import { Buffer } from "node:buffer";
import type { AcceptedContent, AcceptRefusal } from "./accepted-cookie.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Parses a JSON object as session data. @throws SyntaxError if the string is not JSON */
export function dataFromJSON(text: string): AcceptedContent | AcceptRefusal {
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? { kind: "data", data: value } : "bad_shape";
}

/** Whether a parsed JSON value is an object, and can be a session. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A copy without the old library's own keys. */
export function without(record: Record<string, unknown>, ...keys: string[]): Record<string, unknown> {
  // Object.fromEntries defines properties, so that "__proto__" is an ordinary key.
  return Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}

/** Decodes base64 (standard alphabet, padded) to a string. @throws TypeError if it is not canonical base64, or not UTF-8 */
export function textFromBase64(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.toString("base64") !== base64) throw new TypeError("not base64");
  return utf8.decode(bytes);
}
