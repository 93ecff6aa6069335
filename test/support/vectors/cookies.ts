import {
  dumpCookie,
  flaskCodec,
  SessionManager,
  stateOf,
  TaggedJSONSerializer,
  type CodecContext,
  type Decoded,
  type FlaskCodecOptions,
} from "hipflask";
import {
  checkFields,
  checkRefused,
  judge,
  oneOf,
  secretOf,
  type Check,
  type Raw,
  type Verdict,
  type VectorKey,
} from "./check.ts";
import { asNotation, describe, describeFields, toValue, type Notation } from "./notation.ts";

const EXPECTED = [
  "valid",
  "expired",
  "future",
  "bad_signature",
  "bad_timestamp",
  "bad_payload",
  "bad_shape",
] as const;
const STRICT = ["must", "may-reject", "either", "bomb"] as const;

/** A cookie that Flask was given and what it made of it. */
interface CookieVector {
  readonly name: string;
  readonly secret_key: VectorKey;
  readonly fallback_keys: readonly VectorKey[];
  readonly salt: string;
  readonly digest: NonNullable<FlaskCodecOptions["digest"]>;
  readonly key_derivation: NonNullable<FlaskCodecOptions["keyDerivation"]>;
  readonly timestamp: number | null;
  /** Epoch seconds; may have a fraction. */
  readonly now: number;
  /** Seconds; may have a fraction. */
  readonly max_age: number;
  readonly cookie: string;
  readonly json: string | null;
  readonly expected: (typeof EXPECTED)[number];
  readonly payload: Notation | null;
  readonly strict: (typeof STRICT)[number];
  readonly reason: "exact" | "any";
  readonly encode: "exact" | "json" | "none";
}

/** Reads every cookie through the codec and through a whole request, and writes those that have to be written. */
export function judgeCookies(raws: readonly Raw[]): Verdict[] {
  return raws.map((raw) =>
    judge(`cookies ${String(raw["name"])}`, (check) => {
      const vector = asCookieVector(raw);
      checkReading(check, vector);
      checkRequest(check, vector);
      if (vector.encode !== "none") checkWriting(check, vector);
    }),
  );
}

const FIELDS = [
  "name",
  "secret_key",
  "fallback_keys",
  "salt",
  "digest",
  "key_derivation",
  "timestamp",
  "now",
];
const MORE_FIELDS = ["max_age", "cookie", "json", "expected", "payload", "strict", "reason", "encode"];
/** What Flask did besides, and where the payload came from: nothing to check here. */
const INFORMATION = ["group", "compressed", "flask", "source"];

function asCookieVector(raw: Raw): CookieVector {
  checkFields(raw, [...FIELDS, ...MORE_FIELDS], INFORMATION);
  const vector = raw as unknown as CookieVector;
  oneOf("expected", vector.expected, EXPECTED);
  oneOf("strict", vector.strict, STRICT);
  oneOf("reason", vector.reason, ["exact", "any"]);
  oneOf("encode", vector.encode, ["exact", "json", "none"]);
  if (vector.payload !== null) asNotation(vector.payload);
  else if (vector.expected === "valid" && vector.strict !== "bomb")
    throw new TypeError("No payload to expect.");
  return vector;
}

function checkReading(check: Check, vector: CookieVector): void {
  const decoded = codecOf(vector).decode(vector.cookie, contextOf(vector, vector.now));
  checkVerdict(check, "decode", decoded.ok ? "valid" : decoded.reason, vector);
  if (decoded.ok) checkPayload(check, "decode", decoded, vector);
}

function checkVerdict(
  check: Check,
  what: string,
  verdict: string,
  { expected, strict, reason }: CookieVector,
) {
  const isValid = verdict === "valid";
  if (strict === "may-reject" || strict === "either") {
    const refusal = strict === "may-reject" ? "bad_signature" : "bad_payload";
    if (!isValid && reason === "exact") check.equal(`${what}: verdict, unless valid`, verdict, refusal);
  } else if (strict === "bomb") {
    // A bomb may be refused for the length of its fuse already.
    if (verdict !== "too_long") check.equal(`${what}: verdict`, verdict, "bad_payload");
  } else if (reason === "exact") check.equal(`${what}: verdict`, verdict, expected);
  else check.equal(`${what}: valid`, isValid, expected === "valid");
}

function checkPayload(
  check: Check,
  what: string,
  decoded: Decoded & { ok: true },
  vector: CookieVector,
): void {
  const { payload, timestamp } = vector;
  if (payload !== null) check.equal(`${what}: payload`, describeFields(decoded.fields), describe(payload));
  if (timestamp !== null) check.equal(`${what}: signed at`, decoded.signedAt, timestamp);
}

/** The same cookie sent by a browser: refused means an empty session and nothing sent back. */
function checkRequest(check: Check, vector: CookieVector): void {
  let refusal: string | undefined;
  const options = { codec: codecOf(vector), lifetime: vector.max_age };
  if (vector.max_age <= 0) return checkRefused(check, options, "lifetime");
  const manager = new SessionManager({
    ...options,
    now: () => vector.now * 1000,
    onRefused: (reason) => (refusal = reason),
    cacheControl: false,
    trackNested: false,
  });
  // Quoted like any other value, for a cookie may hold anything.
  const header = dumpCookie("session", vector.cookie);
  const context = manager.requestContext({ headers: { get: (name) => (name === "Cookie" ? header : null) } });
  const state = stateOf(context.session);
  const { fields } = state.opened;
  // Flask does not look at an empty cookie.
  if (vector.cookie !== "") checkVerdict(check, "request: verdict", refusal ?? "valid", vector);
  if (refusal !== undefined || vector.cookie === "") {
    check.equal("request: session", describeFields(fields), "{}");
    const response = { headers: new Headers() };
    void context.save(response);
    check.equal("request: headers", [...response.headers], []);
  } else if (vector.payload !== null) {
    check.equal("request: session", describeFields(fields), describe(vector.payload));
  }
  check.equal("request: modified", state.modified, false);
}

/** The payload, written by us, must be Flask's cookie again: byte for byte, or up to what zlib made of it. */
function checkWriting(check: Check, vector: CookieVector): void {
  const { payload, timestamp, cookie, json, encode } = vector;
  if (payload?.t !== "dict" || timestamp === null) throw new TypeError("Nothing to encode.");
  const serializer = new TaggedJSONSerializer();
  const fields = new Map(payload.v.map(([key, value]) => [key, serializer.dumps(toValue(value))]));
  check.equal("encode: JSON", serializer.dumpsFields(fields), json);
  check.equal("encode: JSON of the whole", serializer.dumps(toValue(payload)), json);
  check.equal("encode: JSON read and written", serializer.dumpsFields(serializer.loadsFields(json!)), json);
  const context = { ...contextOf(vector, timestamp), maxAge: 0 };
  const own = codecOf(vector).encode(fields, context);
  if (encode === "exact") check.equal("encode: cookie", own, cookie);
  // By another codec than the one that has just written it and may remember it.
  const decoded = codecOf(vector).decode(own, context);
  check.equal("encode: own cookie", decoded.ok || decoded.reason, true);
  if (decoded.ok) checkPayload(check, "encode: own cookie", decoded, vector);
}

function optionsOf({ secret_key, fallback_keys, salt, digest, key_derivation }: CookieVector) {
  return {
    secretKey: secretOf(secret_key),
    secretKeyFallbacks: fallback_keys.map(secretOf),
    salt,
    digest,
    keyDerivation: key_derivation,
    compress: "flask",
  } as const;
}

function codecOf(vector: CookieVector) {
  return flaskCodec(optionsOf(vector));
}

function contextOf({ max_age }: CookieVector, now: number): CodecContext {
  return { now: now * 1000, maxAge: Math.trunc(max_age), cookieName: "session" };
}
