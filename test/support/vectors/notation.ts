import { Float, float, Markup, TaggedJSONSerializer, Tuple, UUID } from "hipflask";

/** A Python value as the vectors write it; `doc.notation` in the file explains it. */
export type Notation =
  | { readonly t: "null" }
  | { readonly t: "bool"; readonly v: boolean }
  | { readonly t: "int"; readonly v: string }
  | { readonly t: "float"; readonly v: string; readonly bits: string }
  | { readonly t: "str" | "markup"; readonly v: string; readonly utf16?: readonly string[] }
  | { readonly t: "bytes"; readonly hex: string }
  | { readonly t: "uuid"; readonly v: string }
  | { readonly t: "datetime"; readonly v: string; readonly epoch: number; readonly micros?: number }
  | { readonly t: "tuple" | "list"; readonly v: readonly Notation[] }
  | { readonly t: "dict"; readonly v: ReadonlyArray<readonly [key: string, value: Notation]> };

/** @throws TypeError for anything that is not notation, so that a new type in a file is noticed and not skipped. */
export function asNotation(json: unknown): Notation {
  const node = json as Notation;
  describe(node);
  return node;
}

/** The value as an app would write it: integral floats through `float()`, ints beyond ±(2^53−1) as bigint. */
export function toValue(node: Notation): unknown {
  switch (node.t) {
    case "null":
      return null;
    case "bool":
      return node.v;
    case "int":
      return Number.isSafeInteger(Number(node.v)) ? Number(node.v) : BigInt(node.v);
    case "float": {
      const value = fromBits(node.bits);
      return Number.isInteger(value) && !Object.is(value, -0) ? float(value) : value;
    }
    case "str":
      return textOf(node);
    case "markup":
      return new Markup(textOf(node));
    case "bytes":
      return new Uint8Array(Buffer.from(node.hex, "hex"));
    case "uuid":
      return new UUID(node.v);
    case "datetime":
      return new Date(node.epoch * 1000);
    case "tuple":
      return Tuple.from(node.v.map(toValue));
    case "list":
      return node.v.map(toValue);
    case "dict":
      return Object.fromEntries(node.v.map(([key, value]) => [key, toValue(value)]));
  }
}

/**
 * One text per Python value: equal values of equal types, and only those, have equal texts. Order within a dict does
 * not count, since Python's `==` does not look at it and JavaScript cannot keep it for keys like `"10"`.
 */
export function describe(node: Notation): string {
  switch (node.t) {
    case "null":
      return "null";
    case "bool":
      return String(node.v);
    case "int":
      return `int ${BigInt(node.v)}`;
    case "float":
      return describeFloat(fromBits(node.bits));
    case "str":
      return JSON.stringify(textOf(node));
    case "markup":
      return `markup ${JSON.stringify(textOf(node))}`;
    case "bytes":
      return `bytes ${node.hex}`;
    case "uuid":
      return `uuid ${node.v}`;
    case "datetime":
      return `datetime ${node.epoch}`;
    case "tuple":
      return `(${node.v.map(describe).join(", ")})`;
    case "list":
      return `[${node.v.map(describe).join(", ")}]`;
    case "dict":
      return describeDict(node.v.map(([key, value]) => [key, describe(value)]));
    default:
      throw new TypeError(`No notation of a value: ${JSON.stringify(node)}`);
  }
}

/** The same for a value that was read with `floats: "wrap"`, where a plain integral number can only be an int. */
export function describeValue(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `int ${value}`;
  if (typeof value === "number") {
    const isInt = Number.isSafeInteger(value) && !Object.is(value, -0);
    return isInt ? `int ${value}` : describeFloat(value);
  }
  if (value instanceof Float) return describeFloat(value.value);
  if (value instanceof Markup) return `markup ${JSON.stringify(value.html)}`;
  if (value instanceof UUID) return `uuid ${value}`;
  if (value instanceof Date) return `datetime ${value.getTime() / 1000}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (value instanceof Tuple) return `(${Array.from(value, describeValue).join(", ")})`;
  if (Array.isArray(value)) return `[${value.map(describeValue).join(", ")}]`;
  if (typeof value === "object") {
    return describeDict(Object.entries(value).map(([key, item]) => [key, describeValue(item)]));
  }
  return `no session value: ${String(value)}`;
}

const json = new TaggedJSONSerializer();

/** The same for the texts of a session. */
export function describeFields(fields: Iterable<readonly [key: string, text: string]>): string {
  return describeDict([...fields].map(([key, text]) => [key, describeText(text)]));
}

/** The same for the text of one value. */
export function describeText(text: string): string {
  return describeValue(json.loads(text, { floats: "wrap" }));
}

export function fromBits(bits: string): number {
  return Buffer.from(bits, "hex").readDoubleBE();
}

export function toBits(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString("hex");
}

function describeFloat(value: number): string {
  return `float ${Number.isNaN(value) ? "nan" : `${value} (${toBits(value)})`}`;
}

function describeDict(entries: readonly (readonly [key: string, value: string])[]): string {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(", ")}}`;
}

/** `utf16` is given where lone surrogates may have suffered on the way. */
function textOf({ v, utf16 }: { readonly v: string; readonly utf16?: readonly string[] }): string {
  return utf16 === undefined ? v : String.fromCharCode(...utf16.map((unit) => Number.parseInt(unit, 16)));
}
