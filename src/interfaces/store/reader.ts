import type { RefusalReason } from "../../codecs/codec.ts";
import { BadPayload } from "../../errors.ts";
import { events } from "../events.ts";
import type { Fields } from "../../json/fields.ts";
import type { TaggedJSONSerializer } from "../../json/tagged-json.ts";
import type { Found, SessionRecord } from "../../stores/verbs.ts";
import { sameText, standing, successorOf, type Token } from "../../stores/token.ts";
import { retried, take } from "../../stores/transact.ts";
import { giveBack } from "./change.ts";
import type { SessionRequest } from "../session-interface.ts";
import type { StoreConfig } from "./config.ts";
import { withFlashes, type Arrival, type Origin } from "./origin.ts";

/** More fields than this are not looked into; stores refuse them long before. */
const MAX_FIELDS = 10_000;
/** A socket that was silent for longer than this many rotations must connect again. */
const MAX_ROTATIONS = 10_000;

/** Reads records: finds the one that a token leads to, and finds it again later. */
export class StoreReader {
  readonly #config: StoreConfig;
  readonly #refused: (reason: RefusalReason) => void;

  constructor(config: StoreConfig, refused: (reason: RefusalReason) => void) {
    this.#config = config;
    this.#refused = refused;
  }

  /** The record that the tokens of a request lead to, with its one-time messages taken out of the store. */
  async find(tokens: readonly Token[], { readOnly, isHandshake }: SessionRequest): Promise<Arrival> {
    const origins: Origin[] = [];
    for (const token of tokens) {
      const found = await this.#config.store.read(token.selector);
      const origin = found.status === "ok" ? await this.#admit(found, token) : undefined;
      if (found.status !== "ok") this.#refused(found.undecodable ? "undecodable" : "unknown");
      if (origin !== undefined) origins.push(origin);
    }
    const [origin, ...others] = origins;
    // The partitioned and the plain cookie of one session may come in together; two sessions may not.
    const isAmbiguous = others.some(({ record }) => record.selector !== origin?.record.selector);
    if (isAmbiguous) this.#refused("ambiguous");
    if (origin === undefined || isAmbiguous) return { isAmbiguous };
    if (isHandshake) return { origin: withFlashes(origin, undefined) };
    return { origin: readOnly ? await this.#touch(origin) : await this.#takeFlashes(origin) };
  }

  /** The record as it is now, if what was presented once still leads to it: by way of rotations in passing, but of no login. */
  async follow(origin: Origin, isHandshake: boolean): Promise<Origin | undefined> {
    const { store, json, misfit, touchEvery: every, idleTimeout: idle } = this.#config;
    const found = await store.read(origin.record.selector);
    if (found.status !== "ok") return undefined;
    const { record, now } = found;
    const token = this.#heirOf(origin, record, now);
    if (token === undefined || now >= record.expiresAt || !isReadable(record.fields, json)) return undefined;
    if (misfit?.(record.fields) !== undefined) return undefined;
    const isMissed = origin.isMissed || token !== origin.token;
    const read = withFlashes({ record, token, isMissed, now, flashes: undefined }, origin.flashes);
    if (!isHandshake || (now - record.lastSeenAt) / 1000 < every) return read;
    // A socket has no response whose saving would note that its visitor is there.
    const { status } = await store.touch(record.selector, token.verifierHash, { idle, every });
    return status === "ok" ? { ...read, record: { ...read.record, lastSeenAt: now } } : undefined;
  }

  /** Takes a key out of the record, and gives its value to one caller alone. */
  async take({ record, token }: Origin, key: string): Promise<unknown> {
    const { store, json } = this.#config;
    const { selector, fields } = record;
    const text = await take(store, selector, token.verifierHash, key, { fields });
    return text === null ? undefined : json.loads(text);
  }

  /** Puts back the messages that were taken for a request whose answer is an error; the error is the news. */
  async giveBack(origin: Origin): Promise<void> {
    const { store, json } = this.#config;
    const { selector, fields } = withFlashes(origin, undefined).record;
    const { token, flashes } = origin;
    const change = giveBack(flashes, json);
    if (change === undefined) return;
    const attempt = (stored: Fields = fields) => store.patch(selector, token.verifierHash, change(stored));
    await retried(attempt).catch(() => {});
  }

  /** Judges the verifier; the record itself was found live by the store, and is judged once more here. */
  async #admit({ record, now }: Found, token: Token): Promise<Origin | undefined> {
    const { rotationKey, reusedTokens, store, json, misfit } = this.#config;
    const judged = standing(record, token, now);
    if (now >= record.expiresAt || judged === "unknown") {
      this.#refused("unknown");
      return undefined;
    }
    if (!isReadable(record.fields, json)) {
      this.#refused("undecodable");
      return undefined;
    }
    if (judged === "replaced") {
      events.reused({ selector: record.selector, owner: record.owner });
      if (reusedTokens === "destroy") await store.destroy(record.selector);
      return undefined;
    }
    if (misfit?.(record.fields) !== undefined) {
      this.#refused("schema");
      return undefined;
    }
    if (judged === "current") return { record, token, isMissed: false, now, flashes: undefined };
    const successor = rotationKey === null ? undefined : successorOf(token, rotationKey);
    const isKnown = successor !== undefined && sameText(successor.verifierHash, record.verifierHash);
    return { record, token: isKnown ? successor : token, isMissed: isKnown, now, flashes: undefined };
  }

  /** A visitor who only looks is active as well, and nothing will be saved that could note it. */
  async #touch(origin: Origin): Promise<Origin> {
    const { store, idleTimeout: idle, touchEvery: every } = this.#config;
    const { record, token, now } = origin;
    if ((now - record.lastSeenAt) / 1000 >= every)
      await store.touch(record.selector, token.verifierHash, { idle, every });
    return origin;
  }

  /**
   * One-time messages are taken out of the record before anybody can show them, so that of parallel requests only one
   * has them; what it does not show goes back when it is saved.
   */
  async #takeFlashes(origin: Origin): Promise<Origin> {
    const { record, token } = origin;
    if (!record.fields.has("_flashes")) return origin;
    const { selector, fields } = record;
    const text = await take(this.#config.store, selector, token.verifierHash, "_flashes", { fields });
    return withFlashes(origin, text ?? undefined);
  }

  #heirOf(origin: Origin, record: SessionRecord, now: number): Token | undefined {
    const { rotationKey, rotateAfter } = this.#config;
    const judged = standing(record, origin.token, now);
    if (judged === "current") return origin.token;
    if (rotationKey !== null && rotateAfter > 0) {
      let heir = origin.token;
      const most = Math.min(MAX_ROTATIONS, (now - origin.now) / 1000 / rotateAfter + 1);
      for (let rotations = 0; rotations < most; rotations++) {
        heir = successorOf(heir, rotationKey);
        if (sameText(heir.verifierHash, record.verifierHash)) return heir;
      }
    }
    return judged === "previous" ? origin.token : undefined;
  }
}

/** Whatever else writes to the store may have left what nobody can read; the record is kept for inspection. */
function isReadable(fields: Fields, json: TaggedJSONSerializer): boolean {
  if (fields.size > MAX_FIELDS) return false;
  try {
    for (const text of fields.values()) json.loads(text);
    return true;
  } catch (error) {
    if (error instanceof BadPayload) return false;
    throw error;
  }
}
