import { HttpContext } from "@adonisjs/core/http";
import { getSession, type Session } from "hipflask";

declare module "@adonisjs/core/http" {
  interface HttpContext {
    session: Session;
  }
}

HttpContext.getter("session", function (this: HttpContext) {
  return getSession(this.request.request);
});
