import { redisStore } from "../../../dist/stores/redis.js";
import { keyPrefix, openRedis, unlinkAll, type Space } from "./engines.ts";
import { fill } from "./filling.ts";
import type { Growth } from "./growth.ts";

export async function growInRedis(most: number, space: Space): Promise<Omit<Growth, "subject">> {
  const client = await openRedis();
  const prefix = `${keyPrefix(space)}growth:`;
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info("memory"))![1]);
  const { levels } = await fill(redisStore(client, { prefix }), most, used);
  await unlinkAll(client, prefix);
  client.destroy();
  return { levels };
}
