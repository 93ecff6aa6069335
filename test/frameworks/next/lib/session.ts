import { sessions } from "hipflask/next";

declare module "hipflask" {
  interface SessionData {
    username: string;
    visits: number;
  }
}

export const { session, withSession, proxy } = sessions({ secretKey: process.env.SECRET_KEY });
