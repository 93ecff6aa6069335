import type { Visitor } from "./flow/visitors.ts";
import type { SessionManager } from "hipflask";
import type { Html } from "./html.ts";

/** What a view gives; the frame draws the rest around it. */
export interface Page {
  readonly title: string;
  readonly content: Html;
}

/** What the shop's middleware and views hand to each other in Hono's context. */
export interface ShopEnv {
  Variables: {
    /** What the view wants shown. */
    page?: Page;
    /** Whose flow is recorded. */
    visitor?: Visitor;
    /** Sessions can be listed and ended: they are in a store. */
    manager?: SessionManager | undefined;
  };
}
