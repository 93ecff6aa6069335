import { setTimeout as sleep } from "node:timers/promises";
import { createSession, SessionConflictError, StoreError, type Session } from "hipflask";
import { sessions } from "hipflask/next";

/** By the header `x-store`: a store that takes 300 ms, one that is down, one where others were faster. */
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
    async saveSession(saving, response) {
      const store = stores.get(saving);
      if (store === "down") throw new StoreError("unavailable", "The store is down on purpose.");
      if (store === "busy") throw new SessionConflictError(8);
      if (store === "broken") throw new Error("on purpose");
      await sleep(300);
      response.headers.append("Set-Cookie", "session=saved; HttpOnly; Path=/");
    },
  },
});
