import handler from "@tanstack/react-start/server-entry";
import { sessions } from "hipflask/fetch";
import { sqliteStore } from "hipflask/stores/sqlite";

declare module "hipflask" {
  interface SessionData {
    username: string;
    visits: number;
  }
}

const store = sqliteStore("sessions.db");
const withSession = sessions({ secretKey: process.env.SECRET_KEY, store });

export default { fetch: withSession((request) => handler.fetch(request)) };
