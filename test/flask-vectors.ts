import { readFileSync } from "node:fs";

/** A secret of the vectors: its bytes, and its text if they are UTF-8. */
export interface VectorKey {
  readonly hex: string;
  readonly utf8?: string;
}

/** A cookie of the vectors and what has to come out of it; `doc` in the file explains the fields. */
export interface CookieVector {
  readonly name: string;
  readonly group: string;
  readonly secret_key: VectorKey;
  readonly fallback_keys: readonly VectorKey[];
  readonly salt: string;
  readonly digest: "sha1" | "sha256" | "sha512";
  readonly key_derivation: "hmac" | "concat" | "django-concat" | "none";
  readonly timestamp: number;
  /** Epoch seconds; may have a fraction. */
  readonly now: number;
  readonly max_age: number;
  readonly cookie: string;
  readonly json: string | null;
  readonly compressed: boolean;
  readonly expected:
    | "valid"
    | "expired"
    | "future"
    | "bad_signature"
    | "bad_timestamp"
    | "bad_payload"
    | "bad_shape";
  readonly strict: "must" | "may-reject" | "either" | "bomb";
  readonly reason: "exact" | "any";
  readonly encode: "exact" | "json" | "none";
}

/** What real Flask made, in `vectors/flask.json`. Typed as far as tests have needed it. */
export interface FlaskVectors {
  readonly cookies: readonly CookieVector[];
  readonly blocks: {
    readonly signing: ReadonlyArray<{
      readonly secret_key: VectorKey;
      readonly salt: string;
      readonly derived_key_hex: string;
      readonly signed_text: string;
      readonly signature: string;
    }>;
    readonly timestamps: ReadonlyArray<{ readonly seconds: number; readonly segment: string }>;
    readonly flask_session_signed_sid: ReadonlyArray<{
      readonly secret_key: VectorKey;
      readonly sid: string;
      readonly cookie: string;
    }>;
  };
}

/** Reads the vectors made with real Flask. */
export function readFlaskVectors(): FlaskVectors {
  return JSON.parse(readFileSync(new URL("vectors/flask.json", import.meta.url), "utf8")) as FlaskVectors;
}
