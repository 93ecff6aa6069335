import { Exception } from "@adonisjs/core/exceptions";
import router from "@adonisjs/core/services/router";
import { session } from "hipflask";

router.get("/", () => `hello, ${session.username ?? "stranger"}\n`);

router.post("/login", ({ request, response }) => {
  session.regenerate();
  session.username = request.input("username");
  return response.redirect("/");
});

router
  .post("/pay", ({ session }) => {
    session.attempts = (session.attempts ?? 0) + 1;
    throw new Exception(`attempt ${session.attempts}: no money`, { status: 402 });
  })
  .use(({ session, response }, next) => ("username" in session ? next() : response.forbidden()));
