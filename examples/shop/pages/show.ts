import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Page, ShopEnv } from "../shop-env.ts";

/** Responds with a page. It is private, so no cache stores it, and the back button reloads it. */
export function show(c: Context<ShopEnv>, page: Page, status: ContentfulStatusCode = 200): Response {
  c.set("page", page);
  c.header("Cache-Control", "no-store");
  return c.body("", status);
}
