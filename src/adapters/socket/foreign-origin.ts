import { HipflaskError } from "../../errors.ts";

/** A page of another site opened a socket with this visitor's cookies; the session was not looked at. */
export class ForeignOriginError extends HipflaskError {
  /** What to answer (RFC 9110 §15.5.4). */
  override readonly status = 403;
  /** What the browser said; evidence for logs. */
  readonly origin: string;

  constructor(origin: string) {
    super(
      "FOREIGN_ORIGIN",
      "A page of another origin opened this socket. If it is yours, or if a proxy changes the Host header, name its origin in `origins`.",
    );
    this.origin = origin;
  }
}
