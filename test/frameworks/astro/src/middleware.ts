import { getSecret } from "astro:env/server";
import { sessions } from "hipflask/astro";

declare module "hipflask" {
  interface SessionData {
    username: string;
    visits: number;
  }
}

export const onRequest = sessions({ secretKey: getSecret("SECRET_KEY") });
