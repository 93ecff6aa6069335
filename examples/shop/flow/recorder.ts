import { dumpCookie, parseCookie } from "hipflask";
import type { Context, MiddlewareHandler } from "hono";
import type { ShopEnv } from "../shop-env.ts";
import { newRecord } from "./flow-record.ts";
import { watched } from "./observed-sessions.ts";
import type { Visitor, Visitors } from "./visitors.ts";

/** Identifies the browser, independent of the session, which the demo breaks on purpose. */
const VISITOR_COOKIE = "flow";

export function cookieOf(c: Context, name: string): string | undefined {
  return parseCookie(c.req.header("Cookie") ?? "").find((pair) => pair[0] === name)?.[1];
}

export function visitorOf(c: Context, visitors: Visitors): Visitor | undefined {
  return visitors.find(cookieOf(c, VISITOR_COOKIE));
}

/**
 * Records requests and responses for their browser. Runs outside the session middleware, so that it sees the request before
 * the session is opened and the response after it is saved.
 */
export function recorder(visitors: Visitors): MiddlewareHandler<ShopEnv> {
  return async (c, next) => {
    const known = visitorOf(c, visitors);
    // Only a page creates a visitor: other requests without an id do not come from a browser that shows the flow.
    const visitor = known ?? (c.req.method === "GET" ? visitors.welcome() : undefined);
    if (visitor === undefined) return next();
    c.set("visitor", visitor);

    const record = newRecord(c.req.method, c.req.path, Date.now(), cookieOf(c, "session"));
    await watched.run(record, next);

    record.status = c.res.status;
    record.setCookie = c.res.headers.getSetCookie().find((line) => line.startsWith("session="));
    visitor.add(record);
    if (known !== undefined) return;
    const line = dumpCookie(VISITOR_COOKIE, visitor.id, { httpOnly: true, path: "/", sameSite: "Lax" });
    c.header("Set-Cookie", line, { append: true });
  };
}
