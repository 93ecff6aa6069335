import { Hono, type Context } from "hono";
import { addToCart, cartLines, emptyCart, MAX_QUANTITY, setQuantity, totalOf } from "./cart.ts";
import { catalogue } from "./catalogue.ts";
import { receiptPage } from "./pages/receipt-page.ts";
import { shopPage } from "./pages/shop-page.ts";
import { show } from "./pages/show.ts";
import { session } from "./session.ts";
import type { ShopEnv } from "./shop-env.ts";
import type { Till } from "./till.ts";
import { cleanName, MAX_NAME } from "./visitor-name.ts";

/** The pages of the shop and what its forms do. Every POST ends in a redirect, so that reloading repeats nothing. */
export function views(till: Till): Hono<ShopEnv> {
  const app = new Hono<ShopEnv>();

  app.get("/", (c) => show(c, shopPage()));

  app.post("/login", async (c) => {
    const form = await formOf(c);
    const name = cleanName(form.get("username") ?? form.get("name"));
    if (name === undefined) return back(c, `A name has 1 to ${MAX_NAME} characters.`);
    // Somebody new begins with nothing but what a stranger had in the cart, and in a store with a new identity.
    session.regenerate({ keep: session.username === undefined ? ["cart", "order"] : [] });
    // Where sessions are in a store they can have an owner, who can then list and end them.
    if (c.var.manager !== undefined) session.owner = name;
    session.username = name;
    if (form.get("remember") === "yes") session.permanent = true;
    session.flash(`Logged in as ${name}.`, "good");
    return back(c);
  });

  app.post("/logout", (c) => {
    session.destroy();
    return back(c);
  });

  app.post("/cart/add", async (c) => {
    const good = catalogue.get((await formOf(c)).get("good") ?? "");
    if (good === undefined) return back(c, "We do not sell that.");
    if (!addToCart(good)) return back(c, `No more than ${MAX_QUANTITY} of one kind.`);
    return back(c, undefined, good.id);
  });

  app.post("/cart/quantity", async (c) => {
    const form = await formOf(c);
    const good = catalogue.get(form.get("good") ?? "");
    const quantity = Number(form.get("quantity") ?? Number.NaN);
    if (good === undefined) return back(c, "We do not sell that.");
    if (!Number.isInteger(quantity) || quantity < 0 || quantity > MAX_QUANTITY) {
      return back(c, `From 0 to ${MAX_QUANTITY} of one kind.`);
    }
    setQuantity(good.id, quantity);
    return back(c, undefined, "cart");
  });

  app.post("/checkout", async (c) => {
    const form = await formOf(c);
    const number = form.get("order") ?? "";
    if (number !== "" && number === session.lastOrder) return c.redirect("/receipt", 303);
    const customer = session.username;
    const lines = cartLines();
    const total = totalOf(lines);
    if (customer === undefined) return back(c, "Log in to check out.");
    if (number !== session.order || Number(form.get("total")) !== total) {
      return back(c, "Your cart has changed. Look at it once more.", "cart");
    }
    const order = till.place({ number, customer, lines, total });
    emptyCart();
    // An old cookie can be sent again, and under another name since: what is in the till belongs to who paid.
    if (order.customer !== customer) return back(c, "This cart has been ordered already.");
    session.lastOrder = number;
    return c.redirect("/receipt", 303);
  });

  app.get("/receipt", (c) => {
    const order = till.find(session.lastOrder ?? "");
    if (order === undefined || order.customer !== session.username) return back(c, "There is no receipt.");
    return show(c, receiptPage(order));
  });

  return app;
}

async function formOf(c: Context): Promise<URLSearchParams> {
  return new URLSearchParams(await c.req.text());
}

/** To the shop again, with a word about what was wrong, at the place the visitor came from. */
function back(c: Context, complaint?: string, place = ""): Response {
  if (complaint !== undefined) session.flash(complaint, "bad");
  return c.redirect(place === "" ? "/" : `/#${place}`, 303);
}
