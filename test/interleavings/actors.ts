import { session, type SessionOptions } from "../../src/index.ts";
import type { Actor } from "./explore.ts";
import { MANAGER, type Request } from "./request.ts";

export const OWNER = "ada";
/** Seconds. */
const IDLE = 3600;
const ROTATE_AFTER = 60;

/** What requests do to the session of `cookie`; `tag` tells two of the same kind apart. */
export function actorsFor(cookie: string): Record<string, Actor> {
  const request = (
    name: string,
    view: Request["view"],
    options: SessionOptions = {},
    from = cookie,
  ): Request => ({
    name,
    cookie: from,
    view,
    options: { ...options, storeOptions: { idleTimeout: IDLE, touchEvery: 600, ...options.storeOptions } },
  });
  const all: Actor[] = [
    request("write a", (tag) => void (session.a = `a${tag}`)),
    request("write b", (tag) => void (session.b = `b${tag}`)),
    request("count", () => session.transact("n", (n = 0) => Number(n) + 1)),
    request("flash", (tag) => session.flash(`m${tag}`)),
    request("take flashes", () => session.getFlashedMessages()),
    request("rotate periodically", () => session.size, { storeOptions: { rotateAfter: ROTATE_AFTER } }),
    request("regenerate", () => session.regenerate({ keep: true })),
    request("log in", () => void (session.owner = OWNER)),
    request("log in from elsewhere", () => void (session.owner = OWNER), {}, ""),
    request(
      "log in where one is allowed",
      () => void (session.owner = OWNER),
      { storeOptions: { maxPerOwner: 1 } },
      "",
    ),
    request("log out", () => session.destroy()),
    request("log out everywhere", (_, manager) => manager.destroyAll(OWNER), {}, MANAGER),
    request("touch", () => session.size, { storeOptions: { touchEvery: 0 } }),
    { name: "expire", passes: (IDLE + 1) * 1000 },
  ];
  return Object.fromEntries(all.map((actor) => [actor.name, actor]));
}
