import handler from "@tanstack/react-start/server-entry";
import { sessions } from "hipflask/fetch";

declare module "hipflask" {
  interface SessionData {
    username: string;
    visits: number;
  }
}

const withSession = sessions({ secretKey: process.env.SECRET_KEY });

export default { fetch: withSession((request) => handler.fetch(request)) };
