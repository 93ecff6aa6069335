import type { ServerResponse, OutgoingHttpHeaders, OutgoingHttpHeader } from "node:http";
import { cutStream, holdStream } from "./held-stream.ts";
import type { SessionResponse } from "../../interfaces/session-interface.ts";
import { errorPageOf } from "./error-page.ts";
import { responseOf } from "./node-headers.ts";
import {
  assertArguments,
  emitDrain,
  headersSent,
  isHttp2,
  redirectedListeners,
  sealHead,
  setStalled,
} from "./node-response.ts";

/** Whatever may send the first header of a Node response. */
type Method = "writeHead" | "write" | "end" | "flushHeaders" | "answer" | "flush";
type Originals = Record<Method, (...args: unknown[]) => unknown>;
type Phase = "untouched" | "saving" | "released" | "discarding";
type Call = readonly [method: Method, args: unknown[]];

/** What is saved with a response: the context of its request. */
export interface HeldContext {
  /** Saves before the first header leaves. `undefined` if that took no time. */
  save(response: SessionResponse): Promise<void> | undefined;
  /** Saves, before the last byte leaves, what changed after the headers did, for contexts that allow that. */
  saveLate?(): Promise<void> | undefined;
  /** Whether the code that asks belongs to this request. Where that is not known, everything does. */
  readonly isCurrent?: boolean;
  /** Why the code that asks must not answer this request. */
  refusal?(): Error | undefined;
  /** Calls `act` as code of this request. */
  run?<Result>(act: () => Result): Result;
}

const answer = (send: unknown): unknown => (send as () => unknown)();

/** What may wait for a save in bytes before a writer is told to wait as well. */
const MOST_WAITING = 64 * 1024;

/**
 * A Node response that sends nothing before its session is saved. The first call that would send a header starts the
 * save; if that takes time, this call and those after it wait in line and are then made in their order.
 */
export class HeldResponse {
  /** Whose session is saved; undefined while it is being opened, for then there is nothing to save. */
  context: HeldContext | undefined;
  readonly #res: ServerResponse;
  readonly #onError: (error: unknown) => void;
  readonly #originals: Originals;
  #phase: Phase = "untouched";
  /** The answer was an error, since what came was made in another request's context. */
  #isRefused = false;
  #waiting: Call[] = [];
  /** How many bytes of the body wait. */
  #size = 0;
  /** Ours: what is in its place later is a layer behind us. */
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
    // Written out and bound, since this happens for every request: a loop over closures takes five times as long.
    this.#writeHead = res.writeHead = this.#call.bind(this, "writeHead") as never;
    res.write = this.#call.bind(this, "write") as never;
    res.end = this.#call.bind(this, "end") as never;
    // Middleware asks whether it is there, and in mocks it is not.
    if (flushHeaders !== undefined) res.flushHeaders = this.#call.bind(this, "flushHeaders") as never;
    // Of compression in front: what was written before has to come to it before.
    if (flush !== undefined) Object.assign(res, { flush: this.#call.bind(this, "flush") });
    if (isHttp2(res)) holdStream(res, this);
  }

  /** Whether what is called now waits for the session, or is dropped. */
  get isHolding(): boolean {
    return this.#phase !== "released";
  }

  /** Calls `send`, which sends the head in another way than the response's own methods. */
  answer(send: () => void): void {
    this.#call("answer", send);
  }

  /** Answers with the error page in place of whatever has not left yet; the session is saved with it. */
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

  /** Calls `send`, which writes or ends past the response's own methods, while nothing is held. */
  pass(method: "write" | "end", send: () => unknown): unknown {
    const handle = () => (method === "end" && this.#phase === "released" ? this.#end(send) : send());
    const { context } = this;
    return context?.isCurrent === false ? this.#callForeign(context, method, handle) : handle();
  }

  #call(method: Method, ...args: unknown[]): unknown {
    const { context } = this;
    if (context?.isCurrent !== false) return this.#handle(method, args);
    return this.#callForeign(context, method, () => this.#handle(method, args));
  }

  /** Another request's code calls. */
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

  #handle(method: Method, args: unknown[]): unknown {
    if (this.#phase === "untouched" && method === "flush")
      return this.#originals.flush.apply(this.#res, args);
    const isSaving = this.#phase === "saving";
    // Node ends a response once, and does not look at what comes with a second end.
    const isEndedAgain = isSaving && method === "end" && this.#waiting.at(-1)?.[0] === "end";
    if (!isEndedAgain && (isSaving || this.#phase === "untouched"))
      assertArguments(this.#res, method, args, isSaving);
    // As Node does, so that layers behind us see a head that they wait for.
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

  /** The head is sent once and nothing after the end, whatever middleware repeats because Node has sent neither yet. */
  #queue(method: Method, args: unknown[]): void {
    const [last] = this.#waiting.at(-1) ?? [];
    if (last !== undefined && (method === "writeHead" || method === "answer")) {
      // What middleware calls for a body that has no head yet.
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
   * What a writer is told: to go on as long as little waits, or memory would hold all of a large file; and then to wait
   * for "drain", which {@link emitDrain} gives to all listeners, wherever a layer in front has them.
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
      // Something before us may have sent the headers: what is left to be saved then is late.
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
        // Between the first call and the end there was time for more changes.
        if (method === "end" && at > 0) this.#endWith(args);
        else result = this.#originals[method].apply(res, args);
      }
    } catch (error) {
      // What only Node can tell when it sends, and the handler is not there any more to be told.
      if (res.headersSent) this.#cut(error);
      else this.#answerError(error);
    }
    // False: what is in front is full itself, and has a "drain" of its own for all of them.
    this.#wake(result === false && !res.destroyed);
  }

  #endWith(args: unknown[]): unknown {
    return this.#end(() => this.#originals.end.apply(this.#res, args));
  }

  /** Ends an answer whose headers have left. */
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

  /** Too late for another answer: cutting the connection tells the client that this one is not whole. */
  #cut(error: unknown): void {
    this.#phase = "discarding";
    cut(this.#res);
    this.#onError(error);
  }

  /** What waits will not be sent; who goes on writing is not heard, and comes to an end. */
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

  /** The save failed: whatever the handler wanted to say must not look like success. */
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

/** Ends an answer so that its client does not take it for whole. */
function cut(res: ServerResponse): void {
  if (isHttp2(res)) cutStream(res);
  else res.destroy();
}

/** A mock, which has a property of its own for it, says so already when it is about to send. */
function isHeadSent(res: ServerResponse): boolean {
  return res.headersSent && Object.getOwnPropertyDescriptor(res, "headersSent")?.value !== true;
}

/** Calls back for a call that is not made: for the end when the response ends, for what was written with an error. */
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
  // What stands for the response of a WebSocket handshake has no page; its end cuts the socket.
  if (typeof res.getHeaderNames !== "function") return "";
  const { status, text, headers } = errorPageOf(error);
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.statusCode = status;
  if (!isHttp2(res)) res.statusMessage = "";
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  return text;
}

/**
 * Moves what `writeHead(status, message?, headers?)` was given onto the response, where the session's own headers can
 * be merged with it; given as arguments they would replace them.
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
    // Without a value it throws, as it should.
    res.setHeader(name, earlier === undefined ? value! : ([earlier, value].flat() as string[]));
  }
  return message === undefined ? [status] : [status, message];
}

/** Node takes headers as a flat list of names and values, or as a list of pairs. */
function pairsOf(list: OutgoingHttpHeader[]): [string, OutgoingHttpHeader][] {
  if (Array.isArray(list[0])) return list as unknown as [string, OutgoingHttpHeader][];
  const pairs: [string, OutgoingHttpHeader][] = [];
  for (let at = 0; at < list.length; at += 2) pairs.push([String(list[at]), list[at + 1]!]);
  return pairs;
}
