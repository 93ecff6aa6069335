import { sessions } from "hipflask/next";

declare module "hipflask" {
  interface SessionData {
    username: string;
    visits: number;
  }
}

export const { session, save, withSession, proxy } = sessions({ secretKey: process.env.SECRET_KEY });
