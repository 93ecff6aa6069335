import { describe, expect, it } from "vitest";
import { CsrfError, ConfigError, type CsrfErrorReason } from "../errors.ts";
import { URLSafeTimedSerializer } from "../itsdangerous/url-safe.ts";
import { createSession } from "../session/session.ts";
import { CsrfProtect } from "./csrf-tokens.ts";

const secretKey = "wtf";
let now = 1_700_000_000_000;
const csrf = new CsrfProtect({ secretKey, now: () => now });

/** What Flask-WTF 1.1.1 made of this secret at that moment. */
const FROM_FLASK = {
  secret: "5a14614cca442c18e3ee11d609504e8d8bc685ab",
  token: "IjVhMTQ2MTRjY2E0NDJjMThlM2VlMTFkNjA5NTA0ZThkOGJjNjg1YWIi.ZVPxAA.qT5VMVMfGUrBplYFwGGn5p5vrZ0",
};

function reasonOf(token: unknown, session = createSession({ csrf_token: FROM_FLASK.secret }), by = csrf) {
  try {
    by.validateCsrf(token, session);
    return "valid";
  } catch (error) {
    if (error instanceof CsrfError) return error.reason;
    throw error;
  }
}

describe("CsrfProtect (SEC-71)", () => {
  it("takes what Flask-WTF made, for as long as Flask-WTF would", () => {
    expect(reasonOf(FROM_FLASK.token)).toBe("valid");
    now += 3_600_000;
    expect(reasonOf(FROM_FLASK.token)).toBe("valid");
    now += 1000;
    expect(reasonOf(FROM_FLASK.token)).toBe("expired");
    const lasting = new CsrfProtect({ secretKey, timeLimit: null, now: () => now });
    expect(reasonOf(FROM_FLASK.token, undefined, lasting)).toBe("valid");
    now = 1_700_000_000_000;
  });

  it("makes another token at each call, and all are good", () => {
    const session = createSession();
    const tokens = Array.from({ length: 50 }, () => csrf.generateCsrf(session));
    expect(new Set(tokens.map((token) => token.split(".").at(-1))).size).toBe(50);
    expect(session.csrf_token).toMatch(/^[0-9a-f]{40}$/);
    for (const token of tokens) expect(reasonOf(token, session)).toBe("valid");
    expect(csrf.hiddenTag(session)).toMatch(/^<input type="hidden" name="csrf_token" value="[\w.-]+">$/);
  });

  it("begins anew where something else is in its place", () => {
    const session = createSession({ csrf_token: new Uint8Array([1]) });
    expect(reasonOf(csrf.generateCsrf(session), session)).toBe("valid");
    expect(session.csrf_token).toMatch(/^[0-9a-f]{40}$/);
  });

  it("refuses the token of another session, and of before a login", () => {
    const [ada, eve] = [createSession(), createSession()];
    const [adas, eves] = [csrf.generateCsrf(ada), csrf.generateCsrf(eve)];
    expect([reasonOf(adas, ada), reasonOf(eves, ada)]).toEqual(["valid", "mismatch"]);
    for (const keep of [true, [], ["cart"]] as const) {
      const token = csrf.generateCsrf(ada);
      ada.regenerate({ keep });
      expect(reasonOf(token, ada)).toBe("no_session");
      csrf.generateCsrf(ada);
      expect(reasonOf(token, ada)).toBe("mismatch");
    }
    const kept = csrf.generateCsrf(ada);
    ada.regenerate({ keep: ["csrf_token"] });
    expect(reasonOf(kept, ada)).toBe("valid");
  });

  const other = (options: { secret?: string; salt?: string }, value: unknown = FROM_FLASK.secret) =>
    new URLSafeTimedSerializer(options.secret ?? secretKey, {
      salt: options.salt ?? "wtf-csrf-token",
      now: () => now,
    }).dumps(value);

  it.each<[string, unknown, CsrfErrorReason]>([
    ["nothing", undefined, "missing"],
    ["null", null, "missing"],
    ["an empty string", "", "missing"],
    ["a list, as a field that is sent twice", [FROM_FLASK.token], "missing"],
    ["a file", new Blob([]), "missing"],
    ["nonsense", "nonsense", "invalid"],
    ["the bare secret", FROM_FLASK.secret, "invalid"],
    ["a changed byte", FROM_FLASK.token.replace(/.$/, "_"), "invalid"],
    ["a string cut short", FROM_FLASK.token.slice(0, -1), "invalid"],
    ["another key", other({ secret: "another" }), "invalid"],
    ["another salt", other({ salt: "cookie-session" }), "invalid"],
    ["another value", other({}, "another"), "mismatch"],
    ["a value that is not a string", other({}, { csrf_token: FROM_FLASK.secret }), "mismatch"],
    ["null inside", other({}, null), "mismatch"],
  ])("refuses %s", (_, token, reason) => expect(reasonOf(token)).toBe(reason));

  it("refuses every token where the session has no secret, or one that is not a string", () => {
    expect(reasonOf(FROM_FLASK.token, createSession())).toBe("no_session");
    expect(reasonOf(other({}, null), createSession({ csrf_token: null }))).toBe("mismatch");
  });

  it("says what happened and no more", () => {
    expect(() => csrf.validateCsrf("x", createSession())).toThrow("The CSRF session token is missing.");
    expect(new CsrfError("mismatch")).toMatchObject({ name: "CsrfError", status: 400, code: "CSRF" });
  });

  it("signs with the secret alone and takes the fallbacks' tokens", () => {
    const rotated = new CsrfProtect({ secretKey: "new", secretKeyFallbacks: [secretKey], now: () => now });
    expect(reasonOf(FROM_FLASK.token, undefined, rotated)).toBe("valid");
    const session = createSession();
    expect(reasonOf(rotated.generateCsrf(session), session)).toBe("invalid");
    expect(() => new CsrfProtect({ secretKey: "" })).toThrow(ConfigError);
  });

  it("has a field of another name", () => {
    const named = new CsrfProtect({ secretKey, fieldName: 'my"token', now: () => now });
    const session = createSession();
    expect(named.hiddenTag(session)).toContain('name="my&quot;token"');
    expect([...session.keys()]).toEqual(['my"token']);
  });
});
