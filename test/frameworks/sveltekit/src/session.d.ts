import "hipflask";

declare module "hipflask" {
  interface SessionData {
    username: string;
    visits: number;
  }
}
