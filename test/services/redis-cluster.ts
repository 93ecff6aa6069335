import { command, redisServer, untilTrue, type RedisServer } from "./redis-server.ts";

const MASTERS = 3;
const SLOTS = 16_384;

/** A real cluster of the test's own: three masters, then a replica of each. */
export interface RedisCluster {
  readonly servers: readonly RedisServer[];
  /** Where clients begin to ask. */
  readonly roots: ReadonlyArray<{ host: string; port: number }>;
  /** Those that are masters now. */
  masters(): Promise<RedisServer[]>;
  /** Waits until every replica has what its master has. */
  replicasAreInStep(): Promise<void>;
  /** Stops all servers. */
  pause(): void;
  /** All answer again, and agree that they are a cluster. */
  resume(): Promise<void>;
  remove(): Promise<void>;
}

export async function redisCluster(): Promise<RedisCluster> {
  const options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
  const servers = await Promise.all(Array.from({ length: 2 * MASTERS }, () => redisServer(...options)));
  const first = servers.slice(0, MASTERS);
  const masters = async () => {
    const roles = await Promise.all(servers.map(({ port }) => command(port, "ROLE")));
    return servers.filter((_, index) => (roles[index] as unknown[] | undefined)?.[0] === "master");
  };
  const everywhere = async (probe: (port: number) => Promise<boolean>) => {
    for (const { port } of servers) await untilTrue(() => probe(port));
  };
  const isWhole = () =>
    everywhere(async (port) => String(await command(port, "CLUSTER", "INFO")).includes("cluster_state:ok"));
  const replicasAreInStep = async () => {
    for (const { port } of await masters()) {
      await untilTrue(async () => {
        const told = String(await command(port, "INFO", "replication"));
        const [, replica] = /state=online,offset=(\d+)/.exec(told) ?? [];
        const [, master] = /master_repl_offset:(\d+)/.exec(told) ?? [];
        return replica !== undefined && replica === master;
      });
    }
  };

  for (const { port } of servers.slice(1)) {
    await command(servers[0]!.port, "CLUSTER", "MEET", "127.0.0.1", port);
  }
  for (const [index, { port }] of first.entries()) {
    const [from, to] = [index, index + 1].map((at) => Math.floor((at * SLOTS) / MASTERS));
    await command(port, "CLUSTER", "ADDSLOTSRANGE", from!, to! - 1);
  }
  await everywhere(
    async (port) => String(await command(port, "CLUSTER", "NODES")).split("\n").length > 2 * MASTERS,
  );
  for (const [index, { port }] of servers.slice(MASTERS).entries()) {
    const id = String(await command(servers[index]!.port, "CLUSTER", "MYID"));
    await untilTrue(async () => (await command(port, "CLUSTER", "REPLICATE", id)) === "OK");
  }
  await isWhole();
  await replicasAreInStep();

  return {
    servers,
    roots: servers.map(({ port }) => ({ host: "127.0.0.1", port })),
    masters,
    replicasAreInStep,
    pause: () => servers.forEach((server) => server.pause()),
    async resume() {
      for (const server of servers) server.resume();
      await isWhole();
    },
    async remove() {
      for (const server of servers) server.resume();
      await Promise.all(servers.map((server) => server.remove()));
    },
  };
}
