declare global {
  // oxlint-disable-next-line typescript/no-namespace -- @types/express extends requests here
  namespace Express {
    /** The properties that each of our middlewares sets on a request, by a key for each; usually there is one. */
    // oxlint-disable-next-line typescript/no-empty-interface -- augmented by the middlewares
    interface RequestSessions {}

    interface Request {
      /** This visitor's session; set by the middleware of `hipflask/express` or `hipflask/express-session`. */
      session: RequestPart<"session">;
      /** The session's public identifier, if it has one. */
      sessionID: RequestPart<"sessionID">;
    }
  }
}

/** A property of requests, with the type of each middleware. */
export type RequestPart<Name extends string> =
  AllOf<Express.RequestSessions[keyof Express.RequestSessions]> extends Record<Name, infer Part>
    ? Part
    : undefined;

/** `A & B` of `A | B`, so that a program with both middlewares passes the type check. */
type AllOf<Union> = (Union extends unknown ? (part: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
