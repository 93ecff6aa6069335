/** Told when a store has answered: with an error, or with none. */
export type SessionCallback = (error?: any) => void;

/** What the middleware calls of a store. Every store made for express-session has it. */
export interface SessionStore {
  get(id: string, callback: (error?: any, session?: any) => void): unknown;
  set(id: string, session: any, callback?: SessionCallback): unknown;
  destroy(id: string, callback?: SessionCallback): unknown;
  touch?(id: string, session: any, callback?: SessionCallback): unknown;
  createSession(req: any, session: any): unknown;
  regenerate?(req: any, callback: SessionCallback): unknown;
  on(event: "connect" | "disconnect", listener: () => void): unknown;
}
