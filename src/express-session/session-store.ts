/** Called when an operation of a store completes, with its error if it failed. */
export type SessionCallback = (error?: any) => void;

/** The methods of a store that the middleware calls. Every store for express-session has them. */
export interface SessionStore {
  get(id: string, callback: (error?: any, session?: any) => void): unknown;
  set(id: string, session: any, callback?: SessionCallback): unknown;
  destroy(id: string, callback?: SessionCallback): unknown;
  touch?(id: string, session: any, callback?: SessionCallback): unknown;
  createSession(req: any, session: any): unknown;
  regenerate?(req: any, callback: SessionCallback): unknown;
  on(event: "connect" | "disconnect", listener: () => void): unknown;
}
