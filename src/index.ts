export { getSession, hasSession, RequestContext, session, withoutSession } from "./request/context.ts";
export { consume } from "./request/consume.ts";
export { loadSession } from "./request/load-session.ts";
export { streamWithContext } from "./request/stream-with-context.ts";
export { createSession, isReservedName, stateOf } from "./session/session.ts";
export type { ReservedName, Session, SessionData, SessionMethods } from "./session/session.ts";
export type { SessionStateOptions } from "./session/changes.ts";
export type { SessionState } from "./session/state.ts";
export type {
  FlashedMessagesOptions,
  FlashMessages,
  FlashMethod,
  GetFlashedMessagesMethod,
} from "./session/flash.ts";

export { selectorOf, SessionManager, type OwnedSession } from "./manager/manager.ts";
export { requireFresh } from "./request/require-fresh.ts";
export type { DestroyedListener } from "./manager/destroyed-watch.ts";
export type { ClearSiteDataType, SessionOptions } from "./manager/options.ts";
export type { StoreOptions } from "./manager/store-options.ts";
export type { InferSessionData, SchemaIssue, SchemaResult, StandardSchemaV1 } from "./session/schema.ts";
export { resolveOptions } from "./manager/resolve-options.ts";
export { resolveStoreOptions } from "./manager/resolve-store-options.ts";
export { optionsFromFlask, type FlaskConfig } from "./manager/flask-options.ts";

export type { SessionInterface, SessionRequest, SessionResponse } from "./interfaces/session-interface.ts";
export { CookieSessionInterface, type CookieConfig } from "./interfaces/cookie-interface.ts";
export { SecureCookieSessionInterface, type SecureCookieConfig } from "./interfaces/secure-cookie.ts";
export { StoreSessionInterface } from "./interfaces/store.ts";
export type { StoreConfig } from "./interfaces/store/open.ts";
export type { Store } from "./stores/parts/store.ts";
export { decide, type Decision, type Outcome, type SaveState } from "./interfaces/decide.ts";

export type { Codec, CodecContext, Decoded, RefusalReason } from "./codecs/codec.ts";
export { flaskCodec, type Compress, type FlaskCodecOptions } from "./codecs/flask.ts";
export { sealedCodec, type SealedCodecOptions } from "./codecs/sealed.ts";

export { inspectCookie, type InspectedCookie } from "./codecs/inspect.ts";

export { EMPTY_FIELDS, type Fields } from "./json/fields.ts";
export { TaggedJSONSerializer, type TaggedJSONOptions } from "./json/tagged-json.ts";
export type { FloatReading } from "./json/parse.ts";
export type { Tag, TagRegistration } from "./json/tags.ts";
export { Float, float, Markup, Tuple, tuple, UUID } from "./json/values.ts";

export { dumpCookie, parseCookie, type CookieAttributes, type SameSite } from "./http/cookie.ts";
export type { ResponseHeaders } from "./http/response-headers.ts";
export type {
  CacheConflictEvent,
  LostEvent,
  MigratedEvent,
  OpenedEvent,
  RecordKeptEvent,
  RefusedEvent,
  SavedEvent,
  StoreFailedEvent,
  StoredEvent,
  SweepFailedEvent,
} from "./interfaces/events.ts";
export * from "./errors.ts";
