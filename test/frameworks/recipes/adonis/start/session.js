import { HttpContext } from "@adonisjs/core/http";
import { getSession } from "hipflask";
HttpContext.getter("session", function () {
  return getSession(this.request.request);
});
