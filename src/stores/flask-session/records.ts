import { addressOf } from "../parts/address.ts";
import { script, type RedisScript } from "../redis/store.ts";
import type { Replaced, Store, Stored, Write } from "../parts/store.ts";
import { conditionFailed } from "../parts/values.ts";
import { redisBytes, type IoRedisBytes, type NodeRedisBytes, type RedisBytesRunner } from "./bytes.ts";

const READ = script("return redis.call('GET', KEYS[1])");

/** ARGV: content, seconds. */
const INSERT = script("return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2], 'NX') and 1 or 0");

/** ARGV: expected content, content, seconds. Returns 1 (done), 0 (gone), or the stored content. */
const REPLACE = script(`
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
if stored ~= ARGV[1] then return stored end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
`);

/** ARGV: expected content. Returns 1 (removed), 0 (gone), or the stored content. */
const REMOVE_EXPECTED = script(`
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
if stored ~= ARGV[1] then return stored end
return redis.call('DEL', KEYS[1])
`);

const REMOVE = script("return redis.call('DEL', KEYS[1])");

/**
 * Flask-Session's records: strings in Redis under a prefix. They have no commit ids, so the content itself is used as one, each
 * byte as a character.
 */
export class RedisRecords implements Store<Buffer> {
  readonly name: string;
  readonly atomic = true;
  readonly #run: RedisBytesRunner;
  readonly #prefix: string;

  /** @throws ConfigError */
  constructor(client: NodeRedisBytes | IoRedisBytes, prefix: string) {
    this.name = addressOf("Flask-Session's Redis", client);
    this.#run = redisBytes(client);
    this.#prefix = prefix;
  }

  commitOf(content: Buffer): string {
    return content.toString("latin1");
  }

  async read(key: string): Promise<Stored<Buffer> | undefined> {
    const content = (await this.#ask(READ, key)) as Buffer | null;
    return content === null || content.length === 0 ? undefined : this.#stored(content);
  }

  async insert(key: string, { text, lifetime }: Write<Buffer>): Promise<boolean> {
    return (await this.#ask(INSERT, key, text, wholeSeconds(lifetime))) === 1;
  }

  async replace(key: string, expected: string, { text, lifetime }: Write<Buffer>): Promise<Replaced<Buffer>> {
    const values = [bytesOf(expected), text, wholeSeconds(lifetime)];
    return this.#replaced(await this.#ask(REPLACE, key, ...values));
  }

  async remove(key: string, expected?: string): Promise<Replaced<Buffer>> {
    return this.#replaced(
      expected === undefined
        ? await this.#ask(REMOVE, key)
        : await this.#ask(REMOVE_EXPECTED, key, bytesOf(expected)),
    );
  }

  #replaced(answer: unknown): Replaced<Buffer> {
    if (Buffer.isBuffer(answer)) return conditionFailed(this.#stored(answer));
    return { status: answer === 1 ? "ok" : "gone" };
  }

  #stored(text: Buffer): Stored<Buffer> {
    return { text, commit: this.commitOf(text) };
  }

  #ask(act: RedisScript, key: string, ...values: Array<string | Buffer>): Promise<unknown> {
    return this.#run(act, this.#prefix + key, values);
  }
}

function bytesOf(commit: string): Buffer {
  return Buffer.from(commit, "latin1");
}

/** Flask-Session truncates the lifetime to whole seconds, and Redis rejects 0. */
function wholeSeconds(lifetime: number): string {
  return String(Math.max(1, Math.trunc(lifetime)));
}
