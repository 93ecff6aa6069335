import { Hono } from "hono";
import { html } from "hono/html";
import { session } from "hipflask";
import { sessions } from "hipflask/hono";
import { run } from "./run.ts";

const app = new Hono();
app.use(sessions({ secretKey: "set this to a long random string, and keep it to yourself" }));

app.get("/", (c) => {
  if ("username" in session) {
    return c.html(html`hello, ${session.username}\n`);
  }
  return c.html("hello, stranger\n");
});

app.post("/login", async (c) => {
  const { username } = await c.req.parseBody();
  if (typeof username !== "string") return c.text("Bad Request: the form has no username\n", 400);
  session.username = username;
  return c.text("login success");
});

run(app, { host: "0.0.0.0", port: 5000, debug: true });
