import { session } from "hipflask";
import { Hono } from "hono";
import { devicesPage } from "./pages/devices-page.ts";
import { show } from "./pages/show.ts";
import type { ShopEnv } from "./shop-env.ts";

/** The page with the user's sessions on all devices, and its actions. Only with a store. */
export function deviceViews(): Hono<ShopEnv> {
  const app = new Hono<ShopEnv>();

  app.get("/", async (c) => {
    const { manager } = c.var;
    if (manager === undefined || session.owner === null) return c.notFound();
    return show(c, devicesPage(await manager.list(session.owner, { current: session })));
  });

  app.post("/end", async (c) => {
    const { manager } = c.var;
    const { owner } = session;
    if (manager === undefined || owner === null) return c.redirect("/", 303);
    const wanted = new URLSearchParams(await c.req.text()).get("selector");
    // A selector is not a secret, so check that the session belongs to this owner.
    const mine = await manager.list(owner, { current: session });
    const device = mine.find(({ selector }) => selector === wanted);
    if (device?.isCurrent) session.destroy();
    else if (device !== undefined && (await manager.destroy(device.selector)))
      session.flash("Logged out there.", "good");
    return c.redirect(device?.isCurrent ? "/" : "/devices", 303);
  });

  app.post("/end-others", async (c) => {
    const { manager } = c.var;
    if (manager === undefined || session.owner === null) return c.redirect("/", 303);
    const ended = await manager.destroyAll(session.owner, { except: session });
    session.flash(
      ended === 0
        ? "There was no other."
        : `Logged out on ${ended} other ${ended === 1 ? "device" : "devices"}.`,
      "good",
    );
    return c.redirect("/devices", 303);
  });

  return app;
}
