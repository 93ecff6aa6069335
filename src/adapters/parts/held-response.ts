import type { ServerResponse, OutgoingHttpHeaders, OutgoingHttpHeader } from "node:http";
import { cutStream, holdStream } from "./held-stream.ts";
import type { SessionResponse } from "../../interfaces/session-interface.ts";
import { errorPageOf } from "./error-page.ts";
import {
  assertArguments,
  emitDrain,
  headersSent,
  isHttp2,
  redirectedListeners,
  responseOf,
  sealHead,
  setStalled,
} from "./node-response.ts";

/** The methods of a Node response that may send the first header. */
type Method = "writeHead" | "write" | "end" | "flushHeaders" | "answer" | "flush";
type Originals = Record<Method, (...args: unknown[]) => unknown>;
type Phase = "untouched" | "saving" | "released" | "discarding";
type Call = readonly [method: Method, args: unknown[]];

/** The session to save with a response: the context of its request. */
export interface HeldContext {
  /** Saves before the first header is sent. `undefined` if it completed synchronously. */
  save(response: SessionResponse): Promise<void> | undefined;
  /** Saves later changes before the last byte is sent, for contexts that allow that. */
  saveLate?(): Promise<void> | undefined;
  /** Whether the caller belongs to this request. Without it, every caller does. */
  readonly isCurrent?: boolean;
  /** Why the caller must not respond to this request. */
  refusal?(): Error | undefined;
  /** Calls `act` in the context of this request. */
  run?<Result>(act: () => Result): Result;
}

const answer = (send: unknown): unknown => (send as () => unknown)();

/** The number of bytes that may wait for a save before `write` returns false. */
const MOST_WAITING = 64 * 1024;

/**
 * A Node response that sends nothing before its session is saved. The first call that would send a header starts the save;
 * if that is asynchronous, this call and later ones are queued and then made in order.
 */
export class HeldResponse {
  /** The session to save; undefined while it is being opened, when there is nothing to save. */
  context: HeldContext | undefined;
  readonly #res: ServerResponse;
  readonly #onError: (error: unknown) => void;
  readonly #originals: Originals;
  #phase: Phase = "untouched";
  /** The response was replaced by an error, since it was made in another request's context. */
  #isRefused = false;
  #waiting: Call[] = [];
  /** Number of queued bytes of the body. */
  #size = 0;
  /** Our methods: another one in their place is a layer added later. */
  readonly #writeHead: ServerResponse["writeHead"];
  readonly #redirected: ReturnType<typeof redirectedListeners>;
  #openHead: (() => void) | undefined;

  constructor(res: ServerResponse, onError: (error: unknown) => void) {
    this.#res = res;
    this.#onError = onError;
    this.#redirected = redirectedListeners(res);
    const { writeHead, write, end, flushHeaders } = res;
    const { flush } = res as { flush?: () => void };
    this.#originals = { writeHead, write, end, flushHeaders, answer, flush } as Originals;
    // Without a loop, since this runs for every request: a loop over closures takes five times as long.
    this.#writeHead = res.writeHead = this.#call.bind(this, "writeHead") as never;
    res.write = this.#call.bind(this, "write") as never;
    res.end = this.#call.bind(this, "end") as never;
    // Middleware checks whether it exists; mocks do not have it.
    if (flushHeaders !== undefined) res.flushHeaders = this.#call.bind(this, "flushHeaders") as never;
    // Of a compressing layer: earlier writes must reach it first.
    if (flush !== undefined) Object.assign(res, { flush: this.#call.bind(this, "flush") });
    if (isHttp2(res)) holdStream(res, this);
  }

  /** Whether a call now is queued for the save, or dropped. */
  get isHolding(): boolean {
    return this.#phase !== "released";
  }

  /** Calls `send`, which sends the head without the response's own methods. */
  answer(send: () => void): void {
    this.#call("answer", send);
  }

  /** Responds with the error page instead of everything not yet sent, and saves the session with it. */
  fail(error: unknown): void {
    const res = this.#res;
    const isSaving = this.#phase === "saving";
    if (isSaving) this.#openHead?.();
    if (res.headersSent) {
      // The caller has reported the error.
      cut(res);
      return;
    }
    this.#drop(this.#phase);
    const page = resetToErrorPage(res, error);
    if (isSaving) this.#openHead = sealHead(res);
    this.#call("end", page);
    if (this.#phase === "released") this.#phase = "discarding";
  }

  /** Calls `send`, which writes or ends without the response's own methods, while nothing is held. */
  pass(method: "write" | "end", send: () => unknown): unknown {
    const handle = () => (method === "end" && this.#phase === "released" ? this.#end(send) : send());
    const { context } = this;
    return context?.isCurrent === false ? this.#callForeign(context, method, handle) : handle();
  }

  #call(method: Method, ...args: unknown[]): unknown {
    const { context } = this;
    if (context?.isCurrent === false)
      return this.#callForeign(context, method, () => this.#call(method, ...args));
    if (this.#phase === "untouched" && method === "flush")
      return this.#originals.flush.apply(this.#res, args);
    const isSaving = this.#phase === "saving";
    // Node ends a response once, and ignores the arguments of a second end.
    const isEndedAgain = isSaving && method === "end" && this.#waiting.at(-1)?.[0] === "end";
    if (!isEndedAgain && (isSaving || this.#phase === "untouched"))
      assertArguments(this.#res, method, args, isSaving);
    // Like Node, so that later layers see the head they wait for.
    const isUnseen = method === "flushHeaders" && this.#res.writeHead !== this.#writeHead;
    if (this.#phase === "untouched" && isUnseen) this.#res.writeHead(this.#res.statusCode);
    if (this.#phase === "untouched") {
      if (method === "writeHead") args = applyHead(this.#res, args);
      this.#start();
    } else if (this.#phase === "released" && method === "end") return this.#endWith(args);
    if (this.#phase === "released") return this.#originals[method].apply(this.#res, args);
    if (this.#phase === "saving") this.#queue(method, args);
    else discard(this.#res, method, args);
    return method === "write" ? this.#mayGoOn() : this.#res;
  }

  /** Code of another request made the call. */
  #callForeign(context: HeldContext, method: Method, handle: () => unknown): unknown {
    const refusal = this.#isRefused ? undefined : context.refusal?.();
    return context.run!(() => {
      if (refusal !== undefined) {
        this.#onError(refusal);
        this.fail(refusal);
        this.#isRefused = true;
      }
      if (!this.#isRefused) return handle();
      return method === "write" ? true : this.#res;
    });
  }

  /** The head is sent once, and nothing after the end, even if middleware repeats calls because Node has sent neither yet. */
  #queue(method: Method, args: unknown[]): void {
    const [last] = this.#waiting.at(-1) ?? [];
    if (last !== undefined && (method === "writeHead" || method === "answer")) {
      // Middleware calls this for a body without a head.
      const isImplied = method === "writeHead" && args.length === 1 && args[0] === this.#res.statusCode;
      if (!isImplied) throw headersSent("write");
      return;
    }
    if (method === "flushHeaders" && last !== undefined && last !== "writeHead") return;
    if (last === "end") return discard(this.#res, method, args);
    this.#waiting.push([method, args]);
    if (method === "write") this.#size += (args[0] as string | Uint8Array).length;
  }

  /**
   * The result of `write`: true while little is queued; otherwise the writer waits for "drain", so that memory does not
   * hold a whole file. {@link emitDrain} calls all listeners, including those that another layer keeps.
   */
  #mayGoOn(): boolean {
    if (this.#phase !== "saving" || this.#size < MOST_WAITING) return true;
    setStalled(this.#res, true);
    return false;
  }

  #start(): void {
    this.#phase = "saving";
    try {
      const { context } = this;
      // An earlier layer may have sent the headers, which makes this a late save.
      const isLate = context?.saveLate !== undefined && isHeadSent(this.#res);
      const saving = isLate ? context.saveLate!() : context?.save(responseOf(this.#res));
      if (saving === undefined) {
        this.#phase = "released";
        return;
      }
      this.#openHead = sealHead(this.#res);
      saving.then(
        () => this.#release(),
        (error: unknown) => this.#refuse(error),
      );
    } catch (error) {
      this.#refuse(error);
    }
  }

  #release(): void {
    const res = this.#res;
    this.#phase = "released";
    this.#openHead?.();
    const calls = this.#waiting;
    this.#waiting = [];
    let result: unknown;
    try {
      for (const [at, [method, args]] of calls.entries()) {
        // There may be more changes between the first call and the end.
        if (method === "end" && at > 0) this.#endWith(args);
        else result = this.#originals[method].apply(res, args);
      }
    } catch (error) {
      // Node detects this only when sending, after the handler has ended.
      if (res.headersSent) this.#cut(error);
      else this.#answerError(error);
    }
    // False: the layer in front is full, and emits its own "drain" for all listeners.
    this.#wake(result === false && !res.destroyed);
  }

  #endWith(args: unknown[]): unknown {
    return this.#end(() => this.#originals.end.apply(this.#res, args));
  }

  /** Ends a response whose headers were sent. */
  #end(end: () => unknown): unknown {
    const res = this.#res;
    let saving: Promise<void> | undefined;
    try {
      saving = this.context?.saveLate?.();
    } catch (error) {
      this.#cut(error);
      return res;
    }
    if (saving === undefined) return end();
    this.#phase = "discarding";
    const endNow = (): void => {
      this.#phase = "released";
      end();
      this.#phase = "discarding";
    };
    saving.then(endNow).catch((error: unknown) => this.#cut(error));
    return res;
  }

  /** Too late for another response: cutting the connection shows the client that this one is incomplete. */
  #cut(error: unknown): void {
    this.#phase = "discarding";
    cut(this.#res);
    this.#onError(error);
  }

  /** Queued calls are not sent; further writes are ignored, but complete. */
  #drop(next: Phase): void {
    this.#phase = "discarding";
    const calls = this.#waiting;
    this.#waiting = [];
    for (const [method, args] of calls) discard(this.#res, method, args);
    this.#wake(false);
    this.#phase = next;
  }

  #wake(isFull: boolean): void {
    const isStalled = this.#size >= MOST_WAITING;
    this.#size = 0;
    if (isStalled) setStalled(this.#res, false);
    if (isStalled && !isFull) emitDrain(this.#res, this.#redirected);
  }

  /** The save failed: the handler's response must not look like success. */
  #refuse(error: unknown): void {
    this.#openHead?.();
    this.#drop("discarding");
    if (this.#res.headersSent) return this.#cut(error);
    this.#answerError(error);
  }

  #answerError(error: unknown): void {
    this.#phase = "released";
    this.#originals.end.call(this.#res, resetToErrorPage(this.#res, error));
    this.#phase = "discarding";
    this.#onError(error);
  }
}

/** Ends a response so that the client detects that it is incomplete. */
function cut(res: ServerResponse): void {
  if (isHttp2(res)) cutStream(res);
  else res.destroy();
}

/** A mock, which has its own property for it, sets it already before sending. */
function isHeadSent(res: ServerResponse): boolean {
  return res.headersSent && Object.getOwnPropertyDescriptor(res, "headersSent")?.value !== true;
}

/** Calls the callback of a dropped call: of `end` when the response ends, of `write` with an error. */
function discard(res: ServerResponse, method: Method, args: unknown[]): void {
  const callback = args.find((arg) => typeof arg === "function") as ((error?: Error) => void) | undefined;
  if (callback === undefined || method === "answer") return;
  if (method === "end" && typeof res.once === "function")
    process.getBuiltinModule("node:stream").finished(res, () => callback());
  else {
    const error = new Error("Cannot call write after a stream was destroyed");
    process.nextTick(callback, Object.assign(error, { code: "ERR_STREAM_DESTROYED" }));
  }
}

/** @returns the text of the page */
function resetToErrorPage(res: ServerResponse, error: unknown): string {
  // The stub response of a WebSocket handshake has no page; its end cuts the socket.
  if (typeof res.getHeaderNames !== "function") return "";
  const { status, text, headers } = errorPageOf(error);
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.statusCode = status;
  if (!isHttp2(res)) res.statusMessage = "";
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  return text;
}

/**
 * Sets the arguments of `writeHead(status, message?, headers?)` on the response, to merge them with the session's headers,
 * which arguments would replace.
 */
function applyHead(res: ServerResponse, [status, reason, given]: unknown[]): unknown[] {
  const message = typeof reason === "string" ? reason : undefined;
  const headers = (given ?? (message === undefined ? reason : undefined)) as
    | OutgoingHttpHeaders
    | OutgoingHttpHeader[]
    | null
    | undefined;
  res.statusCode = status as number;
  if (message !== undefined) res.statusMessage = message;
  const pairs = Array.isArray(headers) ? pairsOf(headers) : Object.entries(headers ?? {});
  for (const [name] of pairs) res.removeHeader(name);
  for (const [name, value] of pairs) {
    const earlier = res.getHeader(name);
    // Without a value, it throws like Node.
    res.setHeader(name, earlier === undefined ? value! : ([earlier, value].flat() as string[]));
  }
  return message === undefined ? [status] : [status, message];
}

/** Node accepts headers as a flat list of names and values, or as a list of pairs. */
function pairsOf(list: OutgoingHttpHeader[]): [string, OutgoingHttpHeader][] {
  if (Array.isArray(list[0])) return list as unknown as [string, OutgoingHttpHeader][];
  const pairs: [string, OutgoingHttpHeader][] = [];
  for (let at = 0; at < list.length; at += 2) pairs.push([String(list[at]), list[at + 1]!]);
  return pairs;
}
