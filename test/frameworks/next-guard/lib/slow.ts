import { setImmediate as turn } from "node:timers/promises";
import { createSession, SessionConflictError, StoreError, type Session } from "hipflask";
import { sessions } from "hipflask/next";

/** By the header `x-store`: a slow store, one that is down, one where others were faster. */
const stores = new WeakMap<Session, string>();

export const slow = sessions({
  sessionInterface: {
    openSession(request) {
      const store = request.headers.get("x-store") ?? "";
      if (store === "closed") throw new StoreError("unavailable", "The store is down on purpose.");
      const opened = createSession();
      stores.set(opened, store);
      return opened;
    },
    async saveSession(saving, _request, response) {
      const store = stores.get(saving);
      if (store === "down") throw new StoreError("unavailable", "The store is down on purpose.");
      if (store === "busy") throw new SessionConflictError(8);
      if (store === "broken") throw new Error("on purpose");
      for (let count = 0; count < 50; count++) await turn();
      response.headers.append("Set-Cookie", "session=saved; HttpOnly; Path=/");
    },
  },
});
