declare global {
  // oxlint-disable-next-line typescript/no-namespace -- where @types/express lets requests be extended
  namespace Express {
    /** What each middleware of ours puts on a request, under a key of its own; usually there is one. */
    // oxlint-disable-next-line typescript/no-empty-interface -- for them to add to
    interface RequestSessions {}

    interface Request {
      /** This visitor's session; put there by the middleware of `hipflask/express` or `hipflask/express-session`. */
      session: RequestPart<"session">;
      /** The public name of that session, where it has one. */
      sessionID: RequestPart<"sessionID">;
    }
  }
}

/** One thing that is put on requests, of the type that each middleware gives it. */
export type RequestPart<Name extends string> =
  AllOf<Express.RequestSessions[keyof Express.RequestSessions]> extends Record<Name, infer Part>
    ? Part
    : undefined;

/** `A & B` of `A | B`, so that a program that knows of both middlewares can be checked. */
type AllOf<Union> = (Union extends unknown ? (part: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
