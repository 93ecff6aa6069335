/**
 * Readers for the cookies of other libraries, so that visitors stay logged in during a migration.
 *
 * @module hipflask/accepts
 */
export type {
  Accepted,
  AcceptContext,
  AcceptedContent,
  AcceptedCookie,
  AcceptOptions,
  AcceptRefusal,
  RequestCookies,
  StoreAcceptOptions,
} from "./accepts/accepted-cookie.ts";
export { authjs, nextAuth } from "./accepts/authjs.ts";
export type { AuthjsOptions } from "./accepts/authjs.ts";
export { codecCookie } from "./accepts/codec-cookie.ts";
export type { CodecCookieOptions } from "./accepts/codec-cookie.ts";
export { cookieSession } from "./accepts/cookie-session.ts";
export type { CookieSessionOptions } from "./accepts/cookie-session.ts";
export { expressSession } from "./accepts/express-session.ts";
export type { ExpressSessionOptions } from "./accepts/express-session.ts";
export { fastifySecureSession } from "./accepts/fastify-secure-session.ts";
export type { FastifySecureSessionOptions, Sodium } from "./accepts/fastify-secure-session.ts";
export { fastifySession } from "./accepts/fastify-session.ts";
export type { FastifySessionOptions } from "./accepts/fastify-session.ts";
export { h3Session } from "./accepts/h3-session.ts";
export type { H3SessionOptions } from "./accepts/h3-session.ts";
export { honoSession } from "./accepts/hono-session.ts";
export type { HonoSessionOptions } from "./accepts/hono-session.ts";
export { honoSessions } from "./accepts/hono-sessions.ts";
export type { HonoSessionsOptions } from "./accepts/hono-sessions.ts";
export { ironSession } from "./accepts/iron-session.ts";
export type { IronSessionOptions } from "./accepts/iron-session.ts";
export type { KeygripOptions } from "./accepts/keygrip.ts";
export { koaSession } from "./accepts/koa-session.ts";
export type { KoaSessionOptions } from "./accepts/koa-session.ts";
export { nextIronSession } from "./accepts/next-iron-session.ts";
export type { NextIronSessionOptions } from "./accepts/next-iron-session.ts";
export { nextSession } from "./accepts/next-session.ts";
export type { OldRecords, OldStore, OldStoreCallback } from "./accepts/old-store.ts";
export { reactRouter } from "./accepts/react-router.ts";
export type { ReactRouterOptions } from "./accepts/react-router.ts";
export { remixSession } from "./accepts/remix-session.ts";
export type { RemixSessionOptions } from "./accepts/remix-session.ts";
export { cookieParser, honoSignedCookie } from "./accepts/signed-cookie.ts";
export type { CookieParserOptions, SignedCookieOptions } from "./accepts/signed-cookie.ts";
