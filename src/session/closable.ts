import { SessionClosedError } from "../errors.ts";

/** What can be written to until it is closed. */
export class Closable {
  #refusal: (() => Error) | undefined;

  /** From now on every write throws what `refusal` makes: `SessionClosedError`, as the response's headers are gone. */
  close(refusal: () => Error = () => new SessionClosedError()): void {
    this.#refusal = refusal;
  }

  get isClosed(): boolean {
    return this.#refusal !== undefined;
  }

  /** @throws what {@link close} was told to, once this is closed */
  protected assertOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal();
  }
}
