import {
  ConfigError,
  flaskCodec,
  optionsFromFlask,
  SessionManager,
  stateOf,
  type FlaskConfig,
  type SessionOptions,
} from "hipflask";
import {
  Check,
  checkFields,
  checkRefused,
  judge,
  oneOf,
  secretOf,
  type Raw,
  type Verdict,
  type VectorKey,
} from "./check.ts";
import { asNotation, describe, describeFields, type Notation } from "./notation.ts";
import { checkOp, type Result } from "./ops.ts";

/** One request to a Flask app, what its view did to the session, and what became of both. */
export interface RequestVector {
  readonly secret_key: VectorKey | null;
  readonly fallback_keys: readonly VectorKey[];
  /** Epoch seconds; has a fraction. */
  readonly now: number;
  readonly config: FlaskConfig;
  readonly request_cookie_header: string | null;
  readonly ops: ReadonlyArray<readonly [string, ...unknown[]]>;
  readonly view: { readonly status: number; readonly vary: string | null; readonly raises: boolean };
  readonly expect: Expectation;
}

interface Expectation {
  readonly status: number;
  readonly set_cookie: readonly string[];
  readonly compare: "exact" | "attributes-and-payload";
  readonly payload: Notation | null;
  readonly vary: string | null;
  readonly warns_too_large: boolean;
  readonly results: readonly Result[];
  readonly modified: boolean;
  readonly accessed: boolean;
  readonly null_session: boolean;
  readonly session_after: Notation;
}

/** Runs every request through the real flow. */
export function judgeRequests(raws: readonly Raw[]): Verdict[] {
  return raws.map((raw) =>
    judge(`requests ${String(raw["name"])}`, (check) => {
      checkFields(raw, ["name", ...REQUEST_FIELDS]);
      checkRequest(check, raw as unknown as RequestVector);
    }),
  );
}

const REQUEST_FIELDS = [
  "secret_key",
  "fallback_keys",
  "now",
  "config",
  "request_cookie_header",
  "ops",
  "view",
  "expect",
];
const EXPECT_FIELDS = [
  "status",
  "set_cookie",
  "compare",
  "payload",
  "vary",
  "warns_too_large",
  "results",
  "modified",
  "accessed",
  "null_session",
  "session_after",
];

/**
 * Sends the request, does the operations in a view, saves, and compares everything.
 *
 * @returns the Set-Cookie lines of the response
 */
export function checkRequest(check: Check, vector: RequestVector): string[] {
  const { view, expect, ops, now } = vector;
  checkFields(view as unknown as Raw, ["status", "vary", "raises"]);
  checkFields(expect as unknown as Raw, EXPECT_FIELDS);
  oneOf("compare", expect.compare, ["exact", "attributes-and-payload"]);
  let warnings = 0;
  const flask = optionsFromFlask({
    ...vector.config,
    SECRET_KEY: vector.secret_key === null ? null : secretOf(vector.secret_key),
    SECRET_KEY_FALLBACKS: vector.fallback_keys.map(secretOf),
  });
  const { secretKey, secretKeyFallbacks } = flask;
  const options: SessionOptions = {
    ...flask,
    now: () => now * 1000,
    onOversize: () => warnings++,
    // What hipflask does better than Flask, turned off.
    cacheControl: false,
    trackNested: false,
    codec: secretKey?.length
      ? flaskCodec({ secretKey, secretKeyFallbacks: secretKeyFallbacks ?? [], compress: "flask" })
      : undefined,
  };
  if (options.lifetime !== undefined && options.lifetime <= 0) {
    checkRefused(check, options, "lifetime");
    return [];
  }
  // Browsers ignore such a cookie; Flask sends it.
  const { cookieSameSite, cookieSecure, cookiePartitioned } = options;
  if (cookieSameSite?.toLowerCase() === "none" && cookieSecure !== true && cookiePartitioned !== true) {
    checkRefused(check, options, "cookieSameSite");
    return [];
  }
  const manager = startUnlessRefused(options, vector);
  if (manager === undefined) return [];

  const context = manager.requestContext({
    headers: { get: (name) => (name.toLowerCase() === "cookie" ? vector.request_cookie_header : null) },
  });
  const response = { status: view.status, headers: new Headers() };
  const state = stateOf(context.session);
  check.equal("number of results", ops.length, expect.results.length);
  try {
    context.run(() => {
      ops.forEach((op, index) => checkOp(check, context.session, op, expect.results[index]!));
      if (view.raises) throw new ViewError();
    });
    if (view.vary !== null) response.headers.set("Vary", view.vary);
  } catch (error) {
    if (!(error instanceof ViewError)) throw error;
    response.status = 500;
  }
  check.equal("modified", state.modified, expect.modified);
  check.equal("accessed", state.accessed, expect.accessed);
  void context.save(response);

  check.equal("status", response.status, expect.status);
  check.equal("Vary", response.headers.get("Vary"), expect.vary);
  check.equal("warns that the cookie is too large", warnings > 0, expect.warns_too_large);
  check.equal("null session", state.isNull, expect.null_session);
  // The session may not have been accessed yet; comparing does.
  const after = state.isOpened ? state.fields() : state.opened.fields;
  check.equal("session after", describeFields(after), describe(asNotation(expect.session_after)));
  const lines = response.headers.getSetCookie();
  checkSetCookie(check, lines, vector);
  return lines;
}

/** A view of the vectors that fails after its operations. */
class ViewError extends Error {}

/** What Flask finds out when it saves, and answers with a 500 page, is refused here before the first request. */
function startUnlessRefused(options: SessionOptions, { view, expect }: RequestVector) {
  try {
    return new SessionManager(options);
  } catch (error) {
    const flaskFailsToSave = expect.status === 500 && view.status !== 500 && !view.raises;
    if (error instanceof ConfigError && flaskFailsToSave && expect.set_cookie.length === 0) return undefined;
    throw error;
  }
}

function checkSetCookie(check: Check, lines: readonly string[], vector: RequestVector): void {
  const { set_cookie, compare, payload } = vector.expect;
  if (compare === "exact") check.equal("Set-Cookie", lines, set_cookie);
  else {
    const attributes = (line: string) => line.replace(/=[^;]*/, "=…");
    check.equal("Set-Cookie but for the value", lines.map(attributes), set_cookie.map(attributes));
  }
  if (payload === null) return;
  const value = lines.at(-1)?.match(/=([^;]*)/)?.[1] ?? "";
  const codec = flaskCodec({ secretKey: secretOf(vector.secret_key!) });
  const decoded = codec.decode(value, { now: vector.now * 1000, maxAge: 0, cookieName: "" });
  const found = decoded.ok ? describeFields(decoded.fields) : decoded.reason;
  check.equal("payload of Set-Cookie", found, describe(asNotation(payload)));
}
