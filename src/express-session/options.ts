import { checkNumber } from "../check-options.ts";
import type { Request } from "express";
import { KeyObject, randomBytes } from "node:crypto";
import { mac, type Mac } from "../accepts/cookie-value.ts";
import type { SecretKey } from "../itsdangerous/secret-key.ts";
import type { CookieOptions } from "./cookie.ts";
import { deprecate } from "./deprecate.ts";
import { MemoryStore } from "./memory-store.ts";
import type { SessionStore } from "./session-store.ts";

/** Any value that Node accepts as the key of an HMAC. */
type Secret = string | NodeJS.ArrayBufferView | ArrayBufferLike | KeyObject;

/** The options of express-session, and its defaults. */
export interface SessionOptions {
  /** Signs cookies; of several, the first signs and all verify. Default `req.secret`. */
  secret?: Secret | Secret[] | undefined;
  /** Stores the sessions. Default a {@link MemoryStore}. */
  store?: Pick<SessionStore, "get" | "set" | "destroy" | "touch"> | undefined;
  /** Whether unchanged sessions are saved. Default `true`, which is deprecated: set `false`. */
  resave?: boolean | undefined;
  /** Whether new, unmodified sessions are saved. Default `true`, which is deprecated: set `false`. */
  saveUninitialized?: boolean | undefined;
  /** Whether every response sets the cookie, which restarts its lifetime. Default `false`. */
  rolling?: boolean | undefined;
  /**
   * Options of the cookie, or a function of the request that returns them. Default `{ path: "/", httpOnly: true, secure:
   * false, maxAge: null }`.
   */
  cookie?: CookieOptions | ((req: Request) => CookieOptions) | undefined;
  /** Generates the ids of new sessions. Default 24 random bytes in base64url. */
  genid?: ((req: Request) => string) | undefined;
  /** The name of the cookie. Default `"connect.sid"`. */
  name?: string | undefined;
  /** Deprecated name of `name`. */
  key?: string | undefined;
  /** Whether `X-Forwarded-Proto` is trusted. Default: Express' setting "trust proxy" (`req.secure`). */
  proxy?: boolean | undefined;
  /** What to do with the stored session when a handler deletes `req.session`. Default `"keep"`. */
  unset?: "destroy" | "keep" | undefined;
  /** Time limit of a store's operation in milliseconds. Not in express-session. Default 5000. */
  storeTimeout?: number | undefined;
}

/** The options, including defaults. */
export interface Config {
  readonly signature: Mac | undefined;
  readonly store: SessionStore;
  readonly resave: boolean;
  readonly saveUninitialized: boolean;
  readonly rolling: boolean;
  readonly cookie: CookieOptions | ((req: object) => CookieOptions);
  readonly newId: (req: object) => string;
  readonly name: string;
  readonly proxy: boolean | undefined;
  readonly destroysUnset: boolean;
  readonly storeTimeout: number;
}

/**
 * @throws TypeError for options that express-session refuses
 * @throws ConfigError for empty or invalid secrets
 */
export function resolveOptions(options: SessionOptions): Config {
  const { secret, cookie = {}, genid = newId, store = new MemoryStore(), storeTimeout = 5000 } = options;
  checkNumber("storeTimeout", storeTimeout, 1, " of milliseconds");
  const { unset } = options;
  if (typeof genid !== "function") throw new TypeError("genid option must be a function");
  if (unset && unset !== "destroy" && unset !== "keep") {
    throw new TypeError('unset option must be "destroy" or "keep"');
  }
  if (Array.isArray(secret) && secret.length === 0) {
    throw new TypeError("secret option array must contain one or more strings");
  }
  if (!secret) deprecate("req.secret; provide secret option");
  if (store instanceof MemoryStore && process.env["NODE_ENV"] === "production") {
    process.emitWarning(
      "MemoryStore keeps sessions in this process: they are lost when it ends, and other processes cannot see them.",
    );
  }
  return {
    signature: secret ? mac("secret", Array.isArray(secret) ? secret.map(plain) : plain(secret)) : undefined,
    // The rest is compatible with express-session, whose types may not be installed.
    store: store as SessionStore,
    resave: options.resave ?? whenUndefined("resave"),
    saveUninitialized: options.saveUninitialized ?? whenUndefined("saveUninitialized"),
    rolling: Boolean(options.rolling),
    cookie: cookie as Config["cookie"],
    newId: genid as Config["newId"],
    name: options.name || options.key || "connect.sid",
    proxy: options.proxy,
    destroysUnset: unset === "destroy",
    // Node's timers fire after 1 ms if the delay is longer.
    storeTimeout: Math.min(storeTimeout, 2 ** 31 - 1),
  };
}

function whenUndefined(option: string): true {
  deprecate(`undefined ${option} option; provide ${option} option`);
  return true;
}

function plain(secret: Secret): SecretKey {
  if (secret instanceof KeyObject) return secret.export();
  if (ArrayBuffer.isView(secret)) return new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength);
  const isBuffer = secret instanceof ArrayBuffer || secret instanceof SharedArrayBuffer;
  return isBuffer ? new Uint8Array(secret) : secret;
}

function newId(): string {
  return randomBytes(24).toString("base64url");
}
