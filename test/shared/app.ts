import { createServer } from "node:http";
import { sessions } from "../../src/adapters/node.ts";
import { session } from "../../src/request/context.ts";
import { SessionManager } from "../../src/manager/manager.ts";
import type { SessionOptions } from "../../src/manager/options.ts";
import { listen, type Listening } from "../adapters/listen.ts";

/** Views of the app beside Python's; each answers with what the session holds afterwards. */
const VIEWS: Readonly<Record<string, (query: URLSearchParams) => unknown>> = {
  "/untouched": () => {},
  "/show": () => {},
  "/put": (query) => session.update(JSON.parse(query.get("json")!)),
  "/push": (query) => {
    const [key = "", ...path] = query.get("key")!.split(".");
    path.reduce((value, step) => value[step], session.get(key)).push(JSON.parse(query.get("json")!));
  },
  "/count": () => session.transact("count", (count = 0) => count + 1),
  "/pop": (query) => session.pop(query.get("key")!),
  "/clear": () => session.clear(),
  "/logout": () => session.destroy(),
  "/cycle": () => session.regenerate({ keep: true }),
  "/flash": (query) => session.flash(query.get("message")!),
  "/messages": () => session.getFlashedMessages(),
};

/** A server of TypeScript, for a domain that it shares with one of Python. */
export async function serve(
  options: SessionOptions,
): Promise<Listening & { readonly manager: SessionManager }> {
  const manager = new SessionManager(options);
  const server = createServer(
    sessions(manager)((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, "http://localhost");
      const result = VIEWS[pathname]!(searchParams);
      const body = pathname === "/untouched" ? {} : { data: session.toJSON(), result };
      response.statusCode = Number(searchParams.get("status") ?? 200);
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(body, bigIntsAsText));
    }),
  );
  return { ...(await listen(server)), manager };
}

const bigIntsAsText = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
