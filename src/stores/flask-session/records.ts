import type { NewRecord, NextRecord, RecordStore, Replaced } from "../record-store.ts";
import { redisBytes, type IoRedisBytes, type NodeRedisBytes, type RedisBytesRunner } from "./bytes.ts";
import { script, type RedisScript } from "../redis/scripts.ts";
import { storeError } from "../store-error.ts";

const READ = script("return redis.call('GET', KEYS[1])");

/** ARGV content, lifetime. */
const INSERT = script("return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'NX') and 1 or 0");

/** KEYS record, perhaps its new key; ARGV expected, next, lifetime. 1 done, 0 gone, -1 new key taken, or what is there. */
const REPLACE = script(`
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
if stored ~= ARGV[1] then return stored end
if KEYS[2] then
  if redis.call('EXISTS', KEYS[2]) == 1 then return -1 end
  redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[2] or KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
`);

/** ARGV expected. 1 removed, 0 gone, or what is there. */
const DISCARD = script(`
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
if stored ~= ARGV[1] then return stored end
return redis.call('DEL', KEYS[1])
`);

const TOUCH = script("return redis.call('EXPIRE', KEYS[1], ARGV[1])");
const REMOVE = script("return redis.call('DEL', KEYS[1])");

/** Records as strings of Redis under a prefix, as Flask-Session keeps them: `SET … EX`, each verb one script. */
export class RedisRecords implements RecordStore<Buffer> {
  readonly #run: RedisBytesRunner;
  readonly #prefix: string;

  constructor(client: NodeRedisBytes | IoRedisBytes, prefix: string) {
    this.#run = redisBytes(client);
    this.#prefix = prefix;
  }

  async read(key: string): Promise<Buffer | null> {
    const content = (await this.#ask("read", READ, [key])) as Buffer | null;
    return content === null || content.length === 0 ? null : content;
  }

  async insert(key: string, { content, lifetime }: NewRecord<Buffer>): Promise<"ok" | "taken"> {
    const answer = await this.#ask("insert", INSERT, [key], content, wholeSeconds(lifetime));
    return answer === 1 ? "ok" : "taken";
  }

  async replace(key: string, expected: Buffer, next: NextRecord<Buffer>): Promise<Replaced<Buffer>> {
    const keys = next.key === undefined || next.key === key ? [key] : [key, next.key];
    const values = [expected, next.content, wholeSeconds(next.lifetime)] as const;
    try {
      return replaced(await this.#ask("replace", REPLACE, keys, ...values));
    } catch (error) {
      if (!isCrossSlot(error)) throw error;
      return this.#moveAcrossSlots(key, expected, { ...next, key: keys[1]! });
    }
  }

  async touch(key: string, lifetime: number): Promise<"ok" | "gone"> {
    return (await this.#ask("touch", TOUCH, [key], wholeSeconds(lifetime))) === 1 ? "ok" : "gone";
  }

  async discard(key: string, expected: Buffer): Promise<Replaced<Buffer>> {
    return replaced(await this.#ask("discard", DISCARD, [key], expected));
  }

  async remove(key: string): Promise<"ok" | "gone"> {
    return (await this.#ask("remove", REMOVE, [key])) === 1 ? "ok" : "gone";
  }

  /** Two servers of a cluster: the old record ends first, so that nothing but the new one can be alive in the end. */
  async #moveAcrossSlots(
    key: string,
    expected: Buffer,
    next: NextRecord<Buffer> & { readonly key: string },
  ): Promise<Replaced<Buffer>> {
    const discarded = await this.discard(key, expected);
    if (discarded.status !== "ok") return discarded;
    return { status: await this.insert(next.key, next) };
  }

  async #ask(
    verb: string,
    act: RedisScript,
    keys: string[],
    ...values: Array<string | Buffer>
  ): Promise<unknown> {
    try {
      const prefixed = keys.map((key) => this.#prefix + key);
      return await this.#run(act, prefixed, values);
    } catch (error) {
      throw storeError(verb, error);
    }
  }
}

function replaced(answer: unknown): Replaced<Buffer> {
  if (Buffer.isBuffer(answer)) return { status: "conflict", content: answer };
  return { status: answer === 1 ? "ok" : answer === 0 ? "gone" : "taken" };
}

/** Python cuts the fraction of a lifetime, and Redis refuses 0. */
function wholeSeconds(lifetime: number): string {
  return String(Math.max(1, Math.trunc(lifetime)));
}

function isCrossSlot(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error && cause.message.startsWith("CROSSSLOT");
}
