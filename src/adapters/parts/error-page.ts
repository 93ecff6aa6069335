import { notify } from "../../callbacks.ts";
import { checkOptions } from "../../check-options.ts";
import { HipflaskError, StoreError } from "../../errors.ts";

/** How to respond when a handler fails: like Flask, with a 500 page, after saving the session. */
export interface HandlerErrorOptions {
  /**
   * Called with the errors of handlers and of failed saves. Default: `console.error`. The visitor gets a plain 500 page in
   * any case: an error of this function itself is logged with the first one.
   */
  readonly onError?: (error: unknown) => unknown;
}

/** The `onError` of an adapter's options. @throws ConfigError for other options, and unless it is a function */
export function onErrorOf(options: HandlerErrorOptions = {}): (error: unknown) => void {
  checkOptions("sessions", options, { onError: "function" });
  return reportingTo(options.onError);
}

/** Never throws, for places where no caller could catch it. */
export function reportingTo(onError: (error: unknown) => unknown = logError): (error: unknown) => void {
  return (error) => void notify(onError, error);
}

const ERROR_TYPE = "text/plain; charset=utf-8";

interface ErrorPage {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The page for an error: 500, or the status of a session's error, without details. */
export function errorPageOf(error: unknown): ErrorPage {
  const status = error instanceof HipflaskError ? (error.status ?? 500) : 500;
  const more = error instanceof StoreError ? error.headers : {};
  return { status, text: TEXTS[status] ?? TEXTS[500]!, headers: { "Content-Type": ERROR_TYPE, ...more } };
}

/** The same as a web-standard `Response`. */
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
  // oxlint-disable-next-line no-console -- the default way to report errors
  console.error(error);
}
