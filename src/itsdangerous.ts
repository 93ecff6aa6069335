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
export type { PayloadSerializer } from "./itsdangerous/json.ts";
export type { SaltOption, SerializerOptions } from "./itsdangerous/serializer.ts";
export { Serializer } from "./itsdangerous/serializer.ts";
export { TimedSerializer } from "./itsdangerous/serializer.ts";
export type { TimedLoadsOptions, TimedSerializerOptions } from "./itsdangerous/serializer.ts";
export { URLSafeSerializer, URLSafeTimedSerializer } from "./itsdangerous/url-safe.ts";
export type { URLSafeOptions } from "./itsdangerous/url-safe.ts";
