/** What to answer when a handler fails: Flask's 500 page, with the session saved in it. */
export interface ErrorOptions {
  /**
   * Hears of whatever a handler threw and of saves that failed. Default: `console.error`. The visitor gets a plain 500
   * page. To leave errors to what stands outside, throw from here: then, as when Flask propagates exceptions, nothing
   * is answered and nothing saved.
   */
  readonly onError?: (error: unknown) => void;
}

export const ERROR_STATUS = 500;
export const ERROR_TEXT = "Internal Server Error\n";
export const ERROR_TYPE = "text/plain; charset=utf-8";

export function logError(error: unknown): void {
  // oxlint-disable-next-line no-console -- a server's last resort for telling its owner
  console.error(error);
}
