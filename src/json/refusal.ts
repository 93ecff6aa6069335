const NAME = /^[A-Za-z_$][\w$]*$/;

/** The way to a value as one would write it in code: `cart[2].price`. */
export function pathOf(slots: readonly (string | number)[]): string {
  let path = "";
  for (const slot of slots) {
    if (typeof slot === "number") path += `[${slot}]`;
    else if (!NAME.test(slot)) path += `[${JSON.stringify(slot)}]`;
    else path += path === "" ? slot : `.${slot}`;
  }
  return path;
}

const ADVICE: Readonly<Record<string, string>> = {
  Map: " Store Object.fromEntries(map).",
  Set: " Store an array of its items.",
  Promise: " Await it first.",
};

/** Why a value has no place in tagged JSON, and what to do. Names its type, never its content. */
export function refusalOf(value: unknown): string {
  if (value === undefined) return "undefined cannot be stored. Use null, or leave the key out.";
  if (typeof value !== "object" || value === null) return `A ${typeof value} cannot be stored.`;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  const maker: unknown = value.constructor;
  const type = name === "Object" && typeof maker === "function" && maker.name !== "" ? maker.name : name;
  return `An instance of "${type}" cannot be stored.${ADVICE[type] ?? " Store a plain object, or register a tag for it."}`;
}
