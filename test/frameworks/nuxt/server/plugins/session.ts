import { sessions } from "hipflask/nuxt";

declare module "hipflask" {
  interface SessionData {
    username: string;
    visits: number;
  }
}

export default sessions({ secretKey: process.env.SECRET_KEY });
