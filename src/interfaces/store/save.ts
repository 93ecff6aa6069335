import { isPromise } from "node:util/types";
import { ConfigError, OwnerLimitError, SessionClosedError } from "../../errors.ts";
import { assertFits } from "../../session/schema.ts";
import { underFreshKey } from "../../stores/parts/store-calls.ts";
import {
  changeStep,
  checkLogin,
  type Change,
  type FieldChanges,
  type KnownSession,
  type SessionRecord,
} from "../../stores/parts/record.ts";
import type { Changed, Step } from "../../stores/parts/commit.ts";
import type { Created, NotCommitted } from "../../stores/parts/session-records.ts";
import { newToken, newVerifier, successorOf, type Token } from "../../stores/parts/token.ts";
import type { RecordDecision } from "../decide.ts";
import { events, lost } from "../events.ts";
import { prependingMessages, withMessages, withMessagesPrepended } from "../messages.ts";
import type { SessionRequest } from "../session-interface.ts";
import { idleOf, secondsSince, tokenNow, type Origin, type StoreConfig } from "./open.ts";
import type { CommitResult, PendingCommit, StoreSessionState } from "./state.ts";

const NO_COOKIE =
  "A new session or a new token needs a cookie, and a socket cannot set one: log in over HTTP, then connect the socket again.";

/**
 * Carries out the decision: removes, creates or changes the record, with one operation of the store (two if one session ends
 * and another begins, more if an owner logs in). Hands over the result or the failure to the state of the session.
 *
 * @throws StoreError, SessionConflictError, OwnerLimitError, SchemaError; a SessionLostError for a login or a
 * `regenerate()` that could not be stored, and for any change that could not if `lostWrites` is `"throw"` or the request
 * goes on; a SessionClosedError if a handshake needs a new cookie
 */
export async function commit(
  state: StoreSessionState,
  pending: PendingCommit,
  decision: RecordDecision,
  request: SessionRequest,
  config: StoreConfig,
): Promise<CommitResult> {
  let isEnded = false;
  const done = (result: CommitResult) => {
    state.commitSucceeded(pending, result);
    return result;
  };
  try {
    const { origin } = pending;
    if (decision.end && origin !== undefined) {
      const ended = await end(origin, config);
      if (ended !== true) {
        // Another request ended or changed the session first, so the browser may already have a newer cookie. If that
        // request ended it and this one does not create another, nothing is lost.
        const isLost = decision.create || ended === "verifier";
        return done(isLost ? lostChange(pending, ended, config) : { cookie: "keep", origin });
      }
      isEnded = true;
    }
    const isWritten = decision.create || (decision.write && !pending.isFailure);
    if (isWritten && config.schemaMismatch !== undefined)
      assertFits(config.schemaMismatch, pending.checkpoint.fields);
    const needsCookie = decision.create || decision.rotate === "fresh";
    if (request.isHandshake && needsCookie) throw new SessionClosedError(NO_COOKIE);
    // The request has a valid token for each of these, so it may end them. If they stayed, the next request would be
    // ambiguous again.
    if (decision.create || decision.outcome === "delete")
      for (const other of pending.ambiguous) await end(other, config);
    if (decision.create) return done(await create(pending, request, config));
    if (origin === undefined || decision.end)
      return done({ cookie: decision.outcome === "delete" ? "delete" : "keep", origin: undefined });
    return done(await change(pending, origin, decision, request, config));
  } catch (error) {
    state.commitFailed(pending, error, isEnded, request);
    throw error;
  }
}

/** @returns true, or why the session was not ended */
async function end({ known }: Origin, { records }: StoreConfig): Promise<true | "gone" | "verifier"> {
  const { selector, owner, authenticatedAt } = known.entry;
  // A logout whose request was opened before a login must not end the session of that login. A rotated or regenerated
  // token is the same session.
  const ended = await records.end(
    known,
    ({ entry }) => entry.owner === owner && entry.authenticatedAt === authenticatedAt,
  );
  if (ended === "refused") return "verifier";
  if (ended) events.destroyed({ selector, owner });
  return ended || "gone";
}

async function create(
  pending: PendingCommit,
  request: SessionRequest,
  config: StoreConfig,
): Promise<CommitResult> {
  const { checkpoint, owner, login, isPermanent, messages } = pending;
  const fields = withMessages(checkpoint.fields, messages === "[]" ? undefined : messages);
  const details = {
    expiry: { idle: idleOf(config, owner, isPermanent), absolute: config.absoluteTimeout },
    device: deviceOf(request, config),
    login,
  };
  let known = pending.token;
  const { token, created } = await underFreshKey(async () => {
    const fresh = known ?? newToken();
    known = undefined;
    const done = await config.records.create(fresh, fields, details);
    return done.status === "taken" ? "taken" : { token: fresh, created: done };
  });
  const { selector } = token;
  if (created.status !== "ok") return notCommitted(created, pending, selector, config);
  events.created({ selector, owner });
  for (const ended of created.ended ?? []) events.destroyed({ selector: ended, owner });
  const origin: Origin = {
    known: created.known,
    token,
    needsCookie: false,
    messages: undefined,
    isReadOnly: false,
  };
  return { cookie: token, origin };
}

async function change(
  pending: PendingCommit,
  origin: Origin,
  decision: RecordDecision,
  request: SessionRequest,
  config: StoreConfig,
): Promise<CommitResult> {
  const { rotate, write, touch } = decision;
  if (rotate === "no" && !write && !touch) {
    return { cookie: decision.outcome === "nothing" ? "keep" : origin.token, origin };
  }
  const { records, rotationKey, rotationGrace, touchEvery, absoluteTimeout } = config;
  const { owner, isFailure, isPermanent } = pending;
  const { entry, now } = origin.known;
  const { selector } = entry;
  const login = isFailure ? undefined : pending.login;
  const changes = write ? changesOf(pending, origin, config) : {};
  const idle = idleOf(config, login?.owner ?? entry.owner, isPermanent);
  const fresh = rotate === "fresh" ? newVerifier(selector) : undefined;
  const device = login && deviceOf(request, config);

  const apply = (
    current: KnownSession,
    registered?: Change["login"],
  ): Step<SessionRecord, Token | undefined> => {
    const token = tokenNow(current.entry, origin.token, current.now, config);
    if (token === undefined) return { action: "leave", result: undefined };
    // If another request has rotated the token already, its successor is used.
    const isDue = rotate === "periodic" && token === origin.token && rotationKey !== null;
    const next = fresh ?? (isDue ? successorOf(token, rotationKey) : undefined);
    const isActive = secondsSince(current.entry.lastSeenAt, current.now) < touchEvery && !request.isHandshake;
    if (next === undefined && !write && isActive) return { action: "leave", result: token };
    return changeStep(next ?? token, current, {
      ...changes,
      expiry: login ? { idle, absolute: absoluteTimeout } : { idle },
      next: next && { verifierHash: next.verifierHash, grace: fresh ? 0 : rotationGrace },
      login: registered,
      device,
    });
  };
  const isChecked =
    entry.owner !== null && login === undefined && secondsSince(entry.lastSeenAt, now) >= touchEvery;
  if (isChecked && !(await records.isConfirmed(entry))) {
    await records.remove(selector);
    return lostChange(pending, "revoked", config);
  }
  const done: (Changed<SessionRecord, Token | undefined> & Pick<Created, "ended">) | NotCommitted =
    login === undefined
      ? await records.loop.change(selector, origin.known, apply)
      : await records.login(selector, login, (registered) =>
          records.loop.change(selector, origin.known, (current) => apply(current, registered)),
        );
  // If nothing was to be written, a response has lost nothing; the caller of a commit in between still gets the error.
  const isIdle = pending.isFinal && !write && fresh === undefined;
  if (done.status !== "ok") {
    return isIdle ? { cookie: "keep", origin } : notCommitted(done, pending, selector, config);
  }
  const token = done.result;
  if (token === undefined)
    return isIdle ? { cookie: "keep", origin } : lostChange(pending, "verifier", config);
  const isNext = token !== origin.token;
  if (isNext) events.rotated({ selector, owner });
  for (const ended of done.ended ?? []) events.destroyed({ selector: ended, owner });
  // The change does not remove the record.
  const updated: Origin = { ...origin, known: done.known!, token };
  return { cookie: isNext || decision.outcome !== "nothing" ? token : "keep", origin: updated };
}

/** The changes of the fields. If the request failed, only the flashed messages that were taken for it are put back. */
function changesOf(pending: PendingCommit, origin: Origin, { json }: StoreConfig): FieldChanges {
  if (pending.isFailure) return prependingMessages(origin.messages, json);
  const { changes, messages } = pending;
  return messages === undefined ? changes : withMessagesPrepended(changes, messages, json);
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

function notCommitted(
  { status }: NotCommitted,
  pending: PendingCommit,
  selector: string,
  config: StoreConfig,
): CommitResult {
  if (status === "limit") throw new OwnerLimitError();
  return lostChange(pending, status === "revoked" ? "revoked" : "gone", config, selector);
}

/**
 * Reports that the session has ended or has a new token, so nothing was stored. No cookie is sent, since the browser may
 * have a newer one. For a login, a `regenerate()` and a commit during the request this is always an error.
 */
function lostChange(
  { origin, owner, login, identity, isFailure, isFinal }: PendingCommit,
  reason: "gone" | "verifier" | "revoked",
  { lostWrites }: StoreConfig,
  selector = origin?.known.entry.selector ?? "",
): CommitResult {
  const isIdentity = !isFailure && (login !== undefined || identity === "regenerated");
  const event = { selector, owner: origin?.known.entry.owner ?? owner, reason };
  lost(event, lostWrites === "throw" || isIdentity || !isFinal);
  return { cookie: "keep", origin, hasNewIdentity: reason === "verifier" };
}
