import { BORROWED, type Engine } from "./engines.ts";

/** What is measured: calls of a store, or requests to a server with sessions in it. */
export interface Subject {
  readonly kind: "verbs" | "requests";
  readonly engine: Engine;
  readonly name: string;
}

export const US = "hipflask";
export const BARE = "bare round trip";
export const CONNECT_REDIS = "express-session + connect-redis";
export const CONNECT_PG = "express-session + connect-pg-simple";

const verbs = (engine: Engine, ...names: string[]): Subject[] =>
  names.map((name) => ({ kind: "verbs", engine, name }));
const requests = (engine: Engine, ...names: string[]): Subject[] =>
  names.map((name) => ({ kind: "requests", engine, name }));

/** Of each engine, the others are compared with the first one. */
export const VERB_SUBJECTS: readonly Subject[] = [
  ...verbs("memory", US, "express-session"),
  ...verbs("sqlite", BARE, US),
  ...verbs("redis", BARE, US, "connect-redis"),
  ...verbs("ioredis", BARE, US),
  ...verbs("postgres", BARE, US, "connect-pg-simple"),
  ...verbs("mariadb", BARE, US),
  ...BORROWED.flatMap((engine) => verbs(engine, BARE, US)),
];

export const REQUEST_SUBJECTS: readonly Subject[] = [
  ...requests("memory", US, "express-session", "@fastify/session"),
  ...requests("sqlite", US),
  ...requests("redis", US, CONNECT_REDIS, "@fastify/session + connect-redis"),
  ...requests("postgres", US, CONNECT_PG),
  ...requests("mariadb", US),
];
