import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { currentContext } from "../../src/request/context.ts";
import { session, SessionLostError, SessionManager } from "../../src/index.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { seededRandom } from "../../src/testing/store-kit/kit.ts";
import { engines } from "./engines.ts";
import { Visitor } from "./visitor.ts";

const ROUNDS = process.env["CI"] || process.env["HIPFLASK_FULL"] ? 100 : 15;
const seed = Number(process.env["HIPFLASK_SEED"] ?? Date.now() % 1_000_000);

describe.each(engines.filter(({ skip }) => !skip))(
  `commits in between on $name, seed ${seed}`,
  ({ open }) => {
    let store: Store;
    let close: () => Promise<unknown>;
    let manager: SessionManager;
    const random = seededRandom(seed);
    const pause = () => sleep(random() * 3);

    beforeAll(async () => {
      ({ store, close } = await open());
      manager = new SessionManager({
        secretKey: "races",
        store,
        storeOptions: { sweepEvery: 0 },
      });
    });

    afterAll(async () => {
      await manager.close();
      await close();
    });

    /** One browser, and as many tabs with its cookie as wanted. */
    async function begin(): Promise<{ ada: Visitor; tab: () => Visitor }> {
      const ada = new Visitor(manager);
      await ada.visit(() => (session.count = 0));
      const tab = () => Object.assign(new Visitor(manager), { cookie: ada.cookie });
      return { ada, tab };
    }

    /** Writes, commits and writes again, some of it while a commit is under way. */
    async function work(name: string): Promise<void> {
      const under: Promise<void>[] = [];
      for (let step = 0; step < 4; step++) {
        session.transact("count", (n = 0) => n + 1);
        session.set(`${name}${step}`, step);
        if (random() < 0.6) {
          const commit = currentContext().commit();
          // It is looked at when all is done.
          commit.catch(() => {});
          under.push(commit);
        }
        if (random() < 0.5) await pause();
      }
      await Promise.all(under);
    }

    it("lose no write and count none twice, however requests and sockets overlap", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { ada, tab } = await begin();
        const socket = manager.requestContext({
          headers: new Headers({ Cookie: ada.cookie }),
          isHandshake: true,
        });
        await socket.opening;
        await Promise.all([
          ...["a", "b", "c"].map((name) => tab().visit(() => work(name))),
          socket.run(() => work("s")).then(() => socket.commit()),
        ]);
        const data = await ada.data();
        expect(data["count"]).toBe(16);
        expect(Object.keys(data)).toHaveLength(17);
      }
    });

    it("revive nothing that was logged out in between", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { ada, tab } = await begin();
        const lost: unknown[] = [];
        const slow = ["a", "b"].map((name) =>
          tab().visit(() => work(name).catch((error: unknown) => lost.push(error))),
        );
        await pause();
        const logout = tab().visit(() => session.destroy());
        await Promise.all([...slow, logout]);
        expect(lost.filter((error) => !(error instanceof SessionLostError))).toEqual([]);
        expect(await ada.data()).toEqual({});
        const [selector] = ada.cookie.slice("session=".length).split(".");
        expect(await store.read(selector!)).toBeUndefined();
      }
    });
  },
);
