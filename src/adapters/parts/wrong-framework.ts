import { ConfigError } from "../../errors.ts";

/**
 * The error for `sessions` of one framework used with another one: names the right adapter.
 *
 * @param door whose `sessions` it was, as in `hipflask/hono`
 * @param use correct usage as code
 */
export function wrongFramework(door: string, use: string, ...given: unknown[]): ConfigError {
  const found = frameworkOf(given);
  const instead =
    found === undefined || found[1] === door ? "" : ` For ${found[0]}, import \`sessions\` from ${found[1]}.`;
  const name = ["withSession", "sessions", "session"].find((name) => use.includes(`${name}(`))!;
  const called = found === undefined ? "something else" : `what ${found[0]} passes`;
  return new ConfigError(`\`${name}\` of ${door} was called with ${called}. Use it as ${use}.${instead}`);
}

function frameworkOf([first, second, third]: unknown[]): readonly [name: string, door: string] | undefined {
  const [one, two] = [Object(first), Object(second)] as [Record<string, unknown>, Record<string, unknown>];
  if ((Object(one.req) as { raw?: unknown }).raw instanceof Request && typeof one.json === "function")
    return ["Hono", "hipflask/hono"];
  if (typeof one.addHook === "function" && typeof one.register === "function")
    return ["Fastify", "hipflask/fastify"];
  // A request of Fastify, and its reply.
  if (first !== undefined && two.request === first) return ["Fastify", "hipflask/fastify"];
  if (has(one, "app", "req", "res", "throw")) return ["Koa", "hipflask/koa"];
  if (one.req instanceof Request && "context" in one) return ["h3 2", "hipflask/h3"];
  if (has(one, "node", "context")) return ["h3 1 or Nuxt", "hipflask/nuxt"];
  if ("event" in one && "resolve" in one) return ["SvelteKit", "hipflask/sveltekit"];
  if (has(one, "isPrerendered", "locals")) return ["Astro", "hipflask/astro"];
  if ("h3App" in one) return ["Nuxt", "hipflask/nuxt"];
  if (typeof two.setHeader === "function" || typeof two.writeHead === "function")
    return typeof third === "function" ? ["Express", "hipflask/express"] : ["node:http", "hipflask/node"];
  if (first instanceof Request) return ["a fetch handler", "hipflask/fetch"];
  return undefined;
}

function has(value: object, ...names: string[]): boolean {
  return names.every((name) => name in value);
}
