import { notify } from "../../callbacks.ts";
import { checkOptions } from "../../check-options.ts";
import { HipflaskError, StoreError } from "../../errors.ts";

/** What to answer when a handler fails: Flask's 500 page, with the session saved in it. */
export interface HandlerErrorOptions {
  /**
   * Called with what a handler threw and with the error of a failed save. Default: `console.error`. The visitor gets a plain 500
   * page, whatever this does: what it throws itself, or rejects with, is logged with the error.
   */
  readonly onError?: (error: unknown) => unknown;
}

/** The `onError` of an adapter's options. @throws ConfigError for other options, and for a value that is no function */
export function onErrorOf(options: HandlerErrorOptions = {}): (error: unknown) => void {
  checkOptions("sessions", options, { onError: "function" });
  return reportingTo(options.onError);
}

/** What never throws, for places where nobody is there to catch it. */
export function reportingTo(onError: (error: unknown) => unknown = logError): (error: unknown) => void {
  return (error) => void notify(onError, error);
}

const ERROR_TYPE = "text/plain; charset=utf-8";

interface ErrorPage {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The page for an error: 500, or what a session's own error asks for. It tells the visitor nothing else. */
export function errorPageOf(error: unknown): ErrorPage {
  const status = error instanceof HipflaskError ? (error.status ?? 500) : 500;
  const more = error instanceof StoreError ? error.headers : {};
  return { status, text: TEXTS[status] ?? TEXTS[500]!, headers: { "Content-Type": ERROR_TYPE, ...more } };
}

/** The same as a `Response` of the web. */
export function errorResponseOf(error: unknown): Response {
  const { text, ...init } = errorPageOf(error);
  return new Response(text, init);
}

const TEXTS: Readonly<Record<number, string>> = {
  400: "Bad Request\n",
  403: "Forbidden\n",
  409: "Conflict\n",
  500: "Internal Server Error\n",
  503: "Service Unavailable\n",
};

export function logError(error: unknown): void {
  // oxlint-disable-next-line no-console -- a server's last resort for telling its owner
  console.error(error);
}
