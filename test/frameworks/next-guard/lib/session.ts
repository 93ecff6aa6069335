import { sessions } from "hipflask/next";

export const { session, withSession } = sessions({ secretKey: process.env.SECRET_KEY });
