import { getSecret } from "astro:env/server";
import { sessions } from "hipflask/astro";
import { sqliteStore } from "hipflask/stores/sqlite";

declare module "hipflask" {
  interface SessionData {
    username: string;
    visits: number;
  }
}

const store = sqliteStore("sessions.db");

export const onRequest = sessions({ secretKey: getSecret("SECRET_KEY"), store });
