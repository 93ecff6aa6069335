import { shareClass } from "../copies.ts";
import type { SecretKey } from "./secret-key.ts";
import { SignedSerializer } from "./signed-serializer.ts";
import type { SaltOption, SerializerOptions } from "./signed-serializer.ts";
import { Signer } from "./signer.ts";

/**
 * Turns values into signed JSON and back, as `itsdangerous.Serializer`. The text can be read by anyone, and is not fit
 * for URLs: see `URLSafeSerializer`.
 *
 * @example
 * ```ts
 * import { Serializer } from "hipflask/itsdangerous";
 *
 * const serializer = new Serializer("a long random text", { salt: "export" });
 * const text = serializer.dumps({ rows: [1, 2] });
 * console.log(text.startsWith('{"rows": [1, 2]}.')); // true
 * console.log(serializer.loads(text)); // { rows: [ 1, 2 ] }
 * ```
 */
export class Serializer extends SignedSerializer<Signer> {
  /** @throws ConfigError for an unusable secret or option */
  constructor(secretKey: SecretKey | readonly SecretKey[], options: SerializerOptions = {}) {
    super(Signer, secretKey, options);
  }

  /**
   * The value of a signed text.
   *
   * @throws BadSignature if the signature is missing or matches no key
   * @throws BadPayload if it is right, but what it covers cannot be decoded
   */
  override loads(text: string, { salt }: SaltOption = {}): unknown {
    return this.unsignWith(salt, (signer) => this.loadPayload(signer.unsign(text)));
  }
}

shareClass("Serializer", Serializer);
