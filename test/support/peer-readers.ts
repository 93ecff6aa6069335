import sodium from "sodium-native";
import * as accepts from "../../src/accepts.ts";
import type { AcceptedCookie } from "../../src/accepts.ts";
import type { PeerVector } from "./peer-vectors.ts";

type Data = Record<string, unknown>;

/** A reader set up like the application of a vector, and the way from what it gives to the vector's payload. */
export interface PeerReader {
  readonly reader: AcceptedCookie;
  payloadOf(data: Data, flash: Data): unknown;
}

/** The settings that occur in vectors; which of them does depends on the format. */
interface Settings {
  secret?: string | string[];
  secretHex?: string[];
  secrets?: string[];
  keys?: string[];
  keysHex?: string[];
  keygrip?: [algorithm: string, encoding?: "base64" | "hex"];
  key?: string;
  password?: string | Record<string, string>;
  salt?: string;
  name?: string;
  signed?: boolean;
  storage?: "server";
  options?: {
    name?: string;
    key?: string;
    cookieName?: string;
    sessionName?: string;
    cookiePrefix?: string;
    algorithm?: string;
    maxAge?: number;
    idleTimeout?: number;
    expiry?: number;
  };
}

/** Deriving a key takes @fastify/secure-session most of a second, so its readers are made once. */
const made = new Map<string, PeerReader>();

/**
 * A reader without a past: what one vector's forgeries count against the limit of h3's reader must not refuse another's.
 *
 * @throws Error for a format without a reader
 */
export function peerReader(vector: PeerVector): PeerReader {
  const { format, version, config, setCookie } = vector;
  if (format !== "@fastify/secure-session") return makeReader(vector);
  const key = JSON.stringify([format, version, config, setCookie[0]]);
  let reader = made.get(key);
  if (reader === undefined) made.set(key, (reader = makeReader(vector)));
  return reader;
}

function makeReader(vector: PeerVector): PeerReader {
  const make = READERS[vector.format];
  if (make === undefined) throw new Error(`no reader for the format "${vector.format}"`);
  const reader = make(vector.config as Settings, vector);
  return "reader" in reader ? reader : { reader, payloadOf: (data) => data };
}

const READERS: Record<string, (settings: Settings, vector: PeerVector) => AcceptedCookie | PeerReader> = {
  "express-session": ({ secret, secretHex, options }) =>
    accepts.expressSession({ ...named(options?.name), secret: secret ?? secretHex!.map(fromHex) }),

  "cookie-session": (settings) =>
    accepts.cookieSession({ ...named(settings.options?.name), ...keygrip(settings) }),

  "koa-session": (settings) =>
    accepts.koaSession({ ...named(settings.options?.key), ...keygrip(settings), ...stored(settings) }),

  // iron-session 9 ignores the marker at a seal's end; before, one other than "~2" gave an empty session.
  "iron-session": ({ password }, vector) =>
    accepts.ironSession({
      cookieName: firstCookieName(vector),
      password: password!,
      anyMarker: Number.parseInt(vector.version) >= 9,
    }),

  "next-iron-session-v4": ({ password }, vector) =>
    accepts.nextIronSession({ cookieName: firstCookieName(vector), password: password! }),

  "@fastify/session": ({ secret, options = {} }) => {
    const { cookieName, cookiePrefix = "", algorithm = "sha256" } = options;
    return accepts.fastifySession({ ...named(cookieName), secret: secret!, cookiePrefix, algorithm });
  },

  "@fastify/secure-session": ({ keysHex, secret, salt, options = {} }) =>
    accepts.fastifySecureSession({
      ...named(options.cookieName ?? options.sessionName),
      sodium,
      ...(keysHex === undefined ? { secret: secret as string } : { key: keysHex.map(fromHex) }),
      ...(salt !== undefined && { salt }),
      ...(options.expiry !== undefined && { expiry: options.expiry }),
    }),

  "react-router": (settings) => ({
    reader: accepts.reactRouter({
      ...named(settings.options?.name),
      ...signing(settings),
      ...stored(settings),
    }),
    payloadOf: (data, flash) => ({
      ...data,
      ...Object.fromEntries(Object.entries(flash).map(([key, value]) => [`__flash_${key}__`, value])),
    }),
  }),

  "remix3-cookie": (settings, vector) => ({
    reader: accepts.remixSession({
      cookieName: firstCookieName(vector),
      ...signing(settings),
      ...stored(settings),
    }),
    payloadOf: (data, flash) => [data, flash],
  }),

  "h3-v1": ({ password, options }) => h3(1, password, options),
  "h3-v2": ({ password, options }) => h3(2, password, options),

  "@hono/session": (settings) =>
    accepts.honoSession({ secret: settings.secret as string, ...stored(settings) }),

  "hono-sessions": (settings) => ({
    reader: accepts.honoSessions({ encryptionKey: settings.key!, ...stored(settings) }),
    payloadOf: (data, flash) => ({ ...data, ...flash }),
  }),

  "hono-signed-cookie": ({ secret, name }) => ({
    reader: accepts.honoSignedCookie({ cookieName: name!, secret: secret! }),
    payloadOf: (data) => data[name!],
  }),

  "cookie-parser": ({ secret, name, signed = true }) => ({
    reader: accepts.cookieParser({ cookieName: name!, secret: secret!, signed, as: "value" }),
    payloadOf: (data) => data.value,
  }),

  "authjs-jwe": ({ secret, salt }) => accepts.authjs({ secret: secret!, cookieName: salt! }),

  "next-auth-v4-jwe": ({ secret }, vector) =>
    accepts.nextAuth({ secret: secret!, cookieName: firstCookieName(vector) }),

  "next-session": ({ options }) => accepts.nextSession(named(options?.name)),
};

const fromHex = (hex: string) => Buffer.from(hex, "hex");
const named = (cookieName: string | undefined) => (cookieName === undefined ? {} : { cookieName });
const stored = ({ storage }: Settings) => (storage === "server" ? { store: true } : {});
const signing = ({ secrets = [] }: Settings) => (secrets.length === 0 ? { signed: false } : { secrets });

function keygrip({ keys, signed = true, keygrip: hashing }: Settings) {
  return {
    signed,
    ...(keys !== undefined && { keys }),
    ...(hashing?.[0] !== undefined && { algorithm: hashing[0] }),
    ...(hashing?.[1] !== undefined && { encoding: hashing[1] }),
  };
}

function h3(
  version: 1 | 2,
  password: Settings["password"],
  { name, maxAge, idleTimeout }: Settings["options"] = {},
) {
  return accepts.h3Session({
    ...named(name),
    version,
    password: password as string,
    ...(maxAge !== undefined && { maxAge }),
    ...(idleTimeout !== undefined && { idleTimeout }),
  });
}

/** The name in the first Set-Cookie line, without the number of a chunk. */
function firstCookieName({ setCookie }: PeerVector): string {
  return setCookie[0]!.slice(0, setCookie[0]!.indexOf("=")).replace(/\.\d+$/, "");
}
