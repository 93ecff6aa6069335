import { isPromise } from "node:util/types";
import { ConfigError, OwnerLimitError, SessionClosedError } from "../../errors.ts";
import type { Fields } from "../../json/fields.ts";
import { assertFits } from "../../session/schema.ts";
import type { Checkpoint, IdentityChange } from "../../session/changes.ts";
import { underFreshKey } from "../../stores/parts/attempts.ts";
import { checkLogin, type FieldChanges } from "../../stores/parts/record.ts";
import type { Committed, SessionStep } from "../../stores/parts/session-records.ts";
import type { Login } from "../../stores/parts/owners.ts";
import { newToken, newVerifier, successorOf, type Token } from "../../stores/parts/token.ts";
import type { RecordDecision } from "../decide.ts";
import { events, lost } from "../events.ts";
import { puttingBack, withMessages, withMessagesBack } from "../messages.ts";
import type { SessionRequest } from "../session-interface.ts";
import { idleOf, secondsSince, tokenNow, type Origin, type StoreConfig } from "./open.ts";

/** What a request wants of its session, as of the moment in which a commit begins. */
export interface Wanted {
  readonly origin: Origin | undefined;
  /** Sessions that came in with this request, of which none was opened. */
  readonly rivals: readonly Origin[];
  readonly identity: IdentityChange;
  /** Everything was dropped in one go. */
  readonly isCleared: boolean;
  readonly owner: string | null;
  /** The handler named the owner: the session was authenticated in this very request. */
  readonly login: Login | undefined;
  readonly checkpoint: Checkpoint;
  /** The data that is to be stored, without one-time messages. */
  readonly fields: Fields;
  /** One-time messages to put into the record, as JSON text. */
  readonly messages: string | undefined;
  readonly isModified: boolean;
  readonly isPermanent: boolean;
  /** What a session without a record is to be stored under, if that was told already. */
  readonly token: Token | undefined;
  /** The request failed. */
  readonly isFailure: boolean;
  /** Nothing comes after it. */
  readonly isFinal: boolean;
}

/** What it came to. */
export interface Saved {
  /** What the cookie must become: this token, nothing, or what it is. */
  readonly cookie: Token | "delete" | "keep";
  /** Where the session is stored now. */
  readonly origin: Origin | undefined;
  /** It moved on to another identity, and nothing was changed. */
  readonly isOvertaken?: boolean;
}

/** What it came to when it could not be done. */
export interface Failed {
  readonly error: unknown;
  /** The session that was there is ended all the same. */
  readonly isEnded: boolean;
}

const NO_COOKIE =
  "A new session or a new identity needs a new cookie, and a socket cannot send one: log in over HTTP, and let the socket connect again.";

/**
 * Does what was decided: ends the record, creates one, or changes it, with one operation of the store (two where a session ends
 * and another begins, more where an owner logs in). Resolves with the failure instead of throwing it, since a session may
 * have ended before.
 *
 * The error may be a StoreError, SessionConflictError, OwnerLimitError, SchemaError; SessionLostError for a login or a new
 * identity that could not be kept, and for every lost change where `lostWrites` is `"throw"`; SessionClosedError for what
 * needs a new cookie in a handshake.
 */
export async function commit(
  wanted: Wanted,
  decision: RecordDecision,
  request: SessionRequest,
  config: StoreConfig,
): Promise<Saved | Failed> {
  let isEnded = false;
  try {
    const { origin } = wanted;
    if (decision.end && origin !== undefined) {
      const ended = await end(origin, config);
      if (ended !== true) {
        // Another request was faster, and the browser may hold a newer cookie by now. Where it had ended already, an
        // ending has lost nothing.
        const isLost = decision.create || ended === "verifier";
        return isLost ? lostChange(wanted, ended, config) : { cookie: "keep", origin };
      }
      isEnded = true;
    }
    const isWritten = decision.create || (decision.write && !wanted.isFailure);
    if (isWritten) assertFits(config.schemaMismatch, wanted.checkpoint.fields);
    const needsCookie = decision.create || decision.rotate === "fresh";
    if (request.isHandshake && needsCookie) throw new SessionClosedError(NO_COOKIE);
    // The request holds the token of each, so it may end them; otherwise nobody could log in or out beside the others.
    if (decision.create || decision.outcome === "delete")
      for (const rival of wanted.rivals) await end(rival, config);
    if (decision.create) return await create(wanted, request, config);
    if (origin === undefined || decision.end) {
      return { cookie: decision.outcome === "delete" ? "delete" : "keep", origin: undefined };
    }
    return await change(wanted, origin, decision, request, config);
  } catch (error) {
    return { error, isEnded };
  }
}

/** @returns true, or why it was not ended */
async function end({ known, token }: Origin, config: StoreConfig): Promise<true | "gone" | "verifier"> {
  const { selector, owner, authenticatedAt } = known.entry;
  // A logout that was opened before a login must not end the session after it. A new token alone makes no other session.
  const isOurs: Parameters<StoreConfig["records"]["end"]>[1] = ({ entry, now }) =>
    tokenNow(entry, token, now, config) !== undefined ||
    (entry.owner === owner && entry.authenticatedAt === authenticatedAt);
  const ended = await config.records.end(known, isOurs);
  if (ended === "refused") return "verifier";
  if (ended) events.destroyed({ selector, owner });
  return ended || "gone";
}

async function create(wanted: Wanted, request: SessionRequest, config: StoreConfig): Promise<Saved> {
  const { fields, owner, login, isPermanent, messages } = wanted;
  const all = withMessages(fields, messages === "[]" ? undefined : messages);
  const details = {
    expiry: { idle: idleOf(config, owner, isPermanent), absolute: config.absoluteTimeout },
    device: deviceOf(request, config),
    login,
  };
  let known = wanted.token;
  const { token, created } = await underFreshKey(async () => {
    const fresh = known ?? newToken();
    known = undefined;
    const done = await config.records.create(fresh, all, details);
    return done.status === "taken" ? "taken" : { token: fresh, created: done };
  });
  const { selector } = token;
  if (created.status !== "ok") return refused(created, wanted, selector, config);
  events.created({ selector, owner });
  for (const ended of created.ended ?? []) events.destroyed({ selector: ended, owner });
  const origin: Origin = {
    known: created.known,
    token,
    needsCookie: !wanted.isFinal,
    messages: undefined,
    isReadOnly: false,
  };
  return { cookie: token, origin };
}

async function change(
  wanted: Wanted,
  origin: Origin,
  decision: RecordDecision,
  request: SessionRequest,
  config: StoreConfig,
): Promise<Saved> {
  const { rotate, write, touch } = decision;
  if (rotate === "no" && !write && !touch) {
    return { cookie: decision.outcome === "nothing" ? "keep" : origin.token, origin };
  }
  const { records, rotationKey, rotationGrace, touchEvery, absoluteTimeout } = config;
  const { owner, isFailure, isPermanent } = wanted;
  const { entry, now } = origin.known;
  const login = isFailure ? undefined : wanted.login;
  const changes = write ? changesOf(wanted, origin, config) : {};
  const idle = idleOf(config, login?.owner ?? entry.owner, isPermanent);
  const fresh = rotate === "fresh" ? newVerifier(entry.selector) : undefined;
  const device = login && deviceOf(request, config);

  const apply = (current: typeof origin.known): SessionStep<Token | undefined> => {
    const token = tokenNow(current.entry, origin.token, current.now, config);
    if (token === undefined) return { result: undefined };
    // If another request has rotated it meanwhile, its successor is the token to have.
    const isDue = rotate === "periodic" && token === origin.token && rotationKey !== null;
    const next = fresh ?? (isDue ? successorOf(token, rotationKey) : undefined);
    const isActive = secondsSince(current.entry.lastSeenAt, current.now) < touchEvery && !request.isHandshake;
    if (next === undefined && !write && isActive) return { result: token };
    return {
      result: next ?? token,
      change: {
        ...changes,
        expiry: login ? { idle, absolute: absoluteTimeout } : { idle },
        next: next && { verifierHash: next.verifierHash, grace: fresh ? 0 : rotationGrace },
        device,
      },
    };
  };
  const isChecked =
    entry.owner !== null && login === undefined && secondsSince(entry.lastSeenAt, now) >= touchEvery;
  if (isChecked && !(await records.isConfirmed(entry))) {
    await records.remove(entry.selector);
    return lostChange(wanted, "revoked", config);
  }
  const done = await records.change(origin.known, login, apply);
  // Where nothing was to be written, a response has lost nothing; a socket wants to know.
  const isIdle = wanted.isFinal && !write && fresh === undefined;
  if (done.status !== "ok") {
    return isIdle ? { cookie: "keep", origin } : refused(done, wanted, entry.selector, config);
  }
  const token = done.result;
  if (token === undefined)
    return isIdle ? { cookie: "keep", origin } : lostChange(wanted, "verifier", config);
  const isNext = token !== origin.token;
  if (isNext) events.rotated({ selector: entry.selector, owner });
  for (const ended of done.ended ?? []) events.destroyed({ selector: ended, owner });
  const moved: Origin = { ...origin, known: done.known, token };
  return { cookie: isNext || decision.outcome !== "nothing" ? token : "keep", origin: moved };
}

/** What the commit does to the fields: all of it, or for a request that failed, only what gives messages back. */
function changesOf(wanted: Wanted, origin: Origin, { json }: StoreConfig): FieldChanges {
  if (wanted.isFailure) return puttingBack(origin.messages, json);
  return withMessagesBack(wanted.checkpoint.changes, wanted.messages, json);
}

function deviceOf(request: SessionRequest, config: StoreConfig): string | undefined {
  const found = config.device?.(request);
  if (isPromise(found)) {
    found.catch(() => {});
    throw new ConfigError('"device" must return what is to be stored, and it returned a promise.');
  }
  const device: string | undefined = JSON.stringify(found);
  checkLogin(null, device);
  return device;
}

function refused(
  { status }: Exclude<Committed<unknown>, { status: "ok" }>,
  wanted: Wanted,
  selector: string,
  config: StoreConfig,
): Saved {
  if (status === "limit") throw new OwnerLimitError();
  return lostChange(wanted, status === "revoked" ? "revoked" : "gone", config, selector);
}

/**
 * A session that ended or moved on meanwhile is left alone: nothing is revived, and no cookie contradicts a newer one. A
 * login must not seem to have worked, so for one this is always an error.
 */
function lostChange(
  { origin, owner, login, identity, isFailure }: Wanted,
  reason: "gone" | "verifier" | "revoked",
  { lostWrites }: StoreConfig,
  selector = origin?.known.entry.selector ?? "",
): Saved {
  const isIdentity = !isFailure && (login !== undefined || identity === "regenerated");
  const event = { selector, owner: origin?.known.entry.owner ?? owner, reason };
  lost(event, lostWrites === "throw" || isIdentity);
  return { cookie: "keep", origin, isOvertaken: reason === "verifier" };
}
