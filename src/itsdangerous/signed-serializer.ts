import { BadPayload, BadSignature, SignatureExpired } from "../errors.ts";
import { pythonJSON } from "./json.ts";
import type { PayloadSerializer } from "./json.ts";
import type { SecretKey } from "./secret-key.ts";
import type { Signer, SignerOptions } from "./signer.ts";
import type { TimestampSignerOptions } from "./timestamp-signer.ts";

/** How a serializer signs and what it makes of values. The salt defaults to `"itsdangerous"`. */
export interface SerializerOptions extends SignerOptions {
  /** Turns values into text and back. Default JSON. */
  serializer?: PayloadSerializer;
  /**
   * Other ways of signing that are still accepted, for changing digest or derivation without invalidating what is in
   * circulation. Default none.
   */
  fallbackSigners?: ReadonlyArray<Omit<SignerOptions, "salt">>;
}

/** What one call may override. */
export interface SaltOption {
  /** Keeps tokens for one purpose from being valid for another. Default: the serializer's. */
  salt?: string | Uint8Array | undefined;
}

type SignerClass<S> = new (secretKey: SecretKey | readonly SecretKey[], options: TimestampSignerOptions) => S;

/** What serializers with and without a timestamp share. */
export abstract class SignedSerializer<S extends Signer> {
  readonly #serializer: PayloadSerializer;
  readonly #signersFor: (salt: string | Uint8Array) => S[];
  readonly #signers: readonly S[];

  constructor(
    signer: SignerClass<S>,
    secretKey: SecretKey | readonly SecretKey[],
    options: SerializerOptions & Pick<TimestampSignerOptions, "now">,
  ) {
    const { salt = "itsdangerous", serializer = pythonJSON, fallbackSigners = [], now, ...own } = options;
    const signersOf = (secrets: typeof secretKey, salt: string | Uint8Array) =>
      [own, ...fallbackSigners].map((way) => new signer(secrets, { ...way, salt, now }));
    this.#serializer = serializer;
    this.#signers = signersOf(secretKey, salt);
    const secrets = structuredClone(secretKey);
    this.#signersFor = (salt) => signersOf(secrets, salt);
  }

  /** The value as signed text. */
  dumps(value: unknown, { salt }: SaltOption = {}): string {
    return this.#withSalt(salt)[0]!.sign(this.#serializer.dumps(value));
  }

  /** The value of a signed text. */
  abstract loads(text: string, options?: SaltOption): unknown;

  /**
   * Like `loads`, but gives the value even if the signature is wrong or too old: for debugging, never for trusting.
   * The first item says whether the signature is right. The value is null where none can be read.
   */
  loadsUnsafe(text: string, options?: SaltOption): [signatureOk: boolean, value: unknown] {
    try {
      return [true, this.loads(text, options)];
    } catch (error) {
      if (error instanceof BadSignature) return [false, this.#loadEvidence(error.payload)];
      if (error instanceof BadPayload) return [true, null];
      throw error;
    }
  }

  /** What the first signer that accepts the text makes of it. */
  protected unsignWith<T>(salt: SaltOption["salt"], unsign: (signer: S) => T): T {
    let failure: BadSignature | undefined;
    for (const signer of this.#withSalt(salt)) {
      try {
        return unsign(signer);
      } catch (error) {
        if (!(error instanceof BadSignature) || error instanceof SignatureExpired) throw error;
        failure = error;
      }
    }
    throw failure!;
  }

  /** @throws BadPayload whatever the serializer throws */
  protected loadPayload(payload: string): unknown {
    try {
      return this.#serializer.loads(payload);
    } catch (cause) {
      if (cause instanceof BadPayload) throw cause;
      throw new BadPayload("The payload is signed correctly but cannot be decoded.", { cause });
    }
  }

  #loadEvidence(payload: string | undefined): unknown {
    try {
      return payload === undefined ? null : this.loadPayload(payload);
    } catch {
      return null;
    }
  }

  #withSalt(salt: SaltOption["salt"]): readonly S[] {
    return salt === undefined ? this.#signers : this.#signersFor(salt);
  }
}
