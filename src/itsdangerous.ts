export {
  BadData,
  BadHeader,
  BadPayload,
  BadSignature,
  BadTimeSignature,
  ConfigError,
  HipflaskError,
  SignatureExpired,
} from "./errors.ts";
export type { HipflaskErrorCode, SignatureEvidence } from "./errors.ts";
export type { SecretKey } from "./itsdangerous/secret-key.ts";
export { Signer } from "./itsdangerous/signer.ts";
export type { Digest, KeyDerivation, SignerOptions } from "./itsdangerous/signer.ts";
export { TimestampSigner } from "./itsdangerous/timestamp-signer.ts";
export type { TimestampSignerOptions, UnsignOptions } from "./itsdangerous/timestamp-signer.ts";
