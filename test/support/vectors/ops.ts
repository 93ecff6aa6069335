import { Float, isReservedName, NoSecretKeyError, TaggedJSONSerializer, type Session } from "hipflask";
import { oneOf, type Check } from "./check.ts";
import { asNotation, describe, describeText, fromBits, toValue, type Notation } from "./notation.ts";

/** What an operation gave in Flask: a value in the notation, or the name of a Python exception. */
export type Result = { readonly ok: unknown } | { readonly raises: string };

/** Does one operation of a vector in a view and compares what came out with what Flask gave. */
export function checkOp(
  check: Check,
  session: Session,
  [name, ...args]: readonly [string, ...unknown[]],
  expected: Result,
) {
  const what = `${name}(${typeof args[0] === "string" ? args[0] : ""})`;
  check.equal(what, outcomeOf(session, name, args), describeResult(name, expected));
}

/** What the operation gave, or the exception Python would have raised. */
function outcomeOf(session: Session, name: string, args: readonly unknown[]): string {
  if (!Object.hasOwn(OPS, name))
    throw new TypeError(`The runner knows no operation ${JSON.stringify(name)}.`);
  try {
    const outcome = OPS[name]!(session, args);
    return outcome === KEY_ERROR ? "raises KeyError" : describeOutcome(name, outcome);
  } catch (error) {
    if (error instanceof NoSecretKeyError) return "raises RuntimeError";
    throw error;
  }
}

/** Said by an operation whose key is missing, which raises an exception in Python and gives `undefined` here. */
const KEY_ERROR = Symbol("KeyError");

/** Every operation of the vectors as an app would write it. */
const OPS: Readonly<Record<string, (session: Session, args: readonly unknown[]) => unknown>> = {
  get: (session, [key]) => session.get(key as string) ?? null,
  getitem: (session, [key]) => ((key as string) in session ? property(session, key as string) : KEY_ERROR),
  contains: (session, [key]) => (key as string) in session,
  len: (session) => session.size,
  keys: (session) => [...session.keys()],
  bool: (session) => session.size > 0,
  "read-modified": (session) => session.modified,
  "read-permanent": (session) => session.permanent,

  set(session, [key, value]) {
    if (isReservedName(key as string)) session.set(key as string, valueOf(value));
    else session[key as string] = valueOf(value);
  },
  del: (session, [key]) => (session.delete(key as string) ? undefined : KEY_ERROR),
  pop(session, [key]) {
    const popped = session.pop(key as string);
    return popped === undefined ? KEY_ERROR : popped;
  },
  "pop-default": (session, [key, value]) => session.pop(key as string, valueOf(value)),
  popitem: (session) => session.popItem() ?? KEY_ERROR,
  clear: (session) => session.clear(),
  // As pairs: an object would move keys such as "10" to the front.
  update(session, [value]) {
    const node = asNotation(value);
    const entries = node.t === "dict" ? node.v : [];
    session.update(entries.map(([key, item]) => [key, toValue(item)] as const));
  },
  setdefault: (session, [key, value]) => session.setDefault(key as string, valueOf(value)),
  "nested-append"(session, [key, value]) {
    const list: unknown[] | undefined = session.get(key as string);
    if (list === undefined) return KEY_ERROR;
    list.push(valueOf(value));
    return undefined;
  },
  modified(session, [value]) {
    session.modified = valueOf(value) as boolean;
  },
  permanent(session, [value]) {
    session.permanent = isTrue(asNotation(value));
  },

  flash: (session, [message, category]) => session.flash(message as string, category as string | undefined),
  "get-flashed": (session) => session.getFlashedMessages({ withCategories: true }),
};

function property(session: Session, key: string): unknown {
  return isReservedName(key) ? session.get(key) : session[key];
}

function valueOf(node: unknown): unknown {
  return toValue(asNotation(node));
}

const json = new TaggedJSONSerializer();

function describeOutcome(name: string, outcome: unknown): string {
  if (name !== "popitem") return describeAlone(outcome);
  const [key, value] = outcome as [string, unknown];
  return `${JSON.stringify(key)}: ${describeAlone(value)}`;
}

function describeResult(name: string, result: Result): string {
  if ("raises" in result) return `raises ${oneOf("exception", result.raises, ["KeyError", "RuntimeError"])}`;
  const node = asNotation(result.ok);
  // Python reads the flag as whatever is stored under `_permanent`; here it is that value's truth.
  if (name === "read-permanent") return String(isTrue(node));
  if (name !== "popitem" || node.t !== "list") return describeNodeAlone(node);
  const [key, value] = node.v;
  return `${describe(key!)}: ${describeNodeAlone(value!)}`;
}

/** Python's `bool()`. */
function isTrue(node: Notation): boolean {
  if (node.t === "null") return false;
  if (node.t === "float") return fromBits(node.bits) !== 0;
  if (node.t === "int") return BigInt(node.v) !== 0n;
  if (node.t === "bytes") return node.hex !== "";
  return typeof node.v === "boolean" ? node.v : node.v.length > 0;
}

/**
 * A value that came out of the session by itself. Written and read again, so that lists and dicts tell which of their
 * numbers are floats. A number alone cannot: `1.0` comes out as the JavaScript number 1. The session knows better, and
 * what it holds after the view is compared type for type.
 */
function describeAlone(value: unknown): string {
  if (value === undefined) return "null";
  const text = describeText(json.dumps(value));
  return typeof value === "number" || value instanceof Float ? withoutType(text, Number(value)) : text;
}

function describeNodeAlone(node: Notation): string {
  return node.t === "float" ? withoutType(describe(node), fromBits(node.bits)) : describe(node);
}

function withoutType(text: string, value: number): string {
  return Number.isInteger(value) && !Object.is(value, -0) ? `int ${BigInt(value)}` : text;
}
