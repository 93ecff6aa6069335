import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import {
  ConfigError,
  isReservedName,
  NotFreshError,
  requireFresh,
  session,
  SessionManager,
  type SessionOptions,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { recorded, type StoreCall } from "./recorded.ts";
import { Visitor } from "./visitor.ts";

let time: number;
let calls: StoreCall[];
let options: SessionOptions;

beforeEach(() => {
  time = Date.UTC(2026, 0, 1);
  const now = () => time;
  const { store, calls: made } = recorded(memoryStore({ now }));
  calls = made;
  options = {
    secretKey: "a secret of at least 32 bytes, for hardened",
    store,
    now,
    storeOptions: { sweepEvery: 0 },
  };
});

const someone = (more: SessionOptions = {}) =>
  new Visitor(
    new SessionManager({ ...options, ...more, storeOptions: { sweepEvery: 0, ...more.storeOptions } }),
  );

describe("a login", () => {
  it("keeps all anonymous data by default, as Flask does", async () => {
    const ada = someone();
    await ada.visit(() => session.update({ cart: [1], role: "admin" }));
    await ada.visit(() => ((session.username = "ada"), (session.owner = "ada")));
    expect(await ada.data()).toEqual({ cart: [1], role: "admin", username: "ada" });
  });

  it.each([
    { storeOptions: { keepAtLogin: ["cart"] } },
    { storeOptions: { keepAtLogin: ["cart"] }, hardened: true },
  ])(
    "takes over what %j declares and what it wrote itself, before or after, and nothing else (SEC-22)",
    async (more) => {
      const ada = someone(more);
      await ada.visit(() => session.update({ cart: [1], role: "admin", draft: "x" }));
      const planted = ada.cookie;
      await ada.visit(() => {
        session.username = "ada";
        session.owner = "ada";
        session.theme = "dark";
      });
      expect(await ada.data()).toEqual({ cart: [1], username: "ada", theme: "dark" });
      expect((await someone(more).visit(() => session.size, { cookie: planted })).seen).toBe(0);
    },
  );

  it("drops concurrent writes to the anonymous session (SEC-22)", async () => {
    const ada = someone({ storeOptions: { keepAtLogin: ["cart"] } });
    await ada.visit(() => session.update({ cart: [1] }));
    const { cookie } = ada;
    await ada.visit(async () => {
      session.owner = "ada";
      await someone().visit(() => (session.role = "admin"), { cookie });
    });
    expect(await ada.data()).toEqual({ cart: [1] });
  });

  it("takes over nothing with hardened alone, and loses nothing when it is repeated", async () => {
    const ada = someone({ hardened: true });
    await ada.visit(() => (session.role = "admin"));
    await ada.visit(() => ((session.owner = "ada"), (session.mine = 1)));
    await ada.visit(() => (session.owner = "ada"));
    expect(await ada.data()).toEqual({ mine: 1 });
  });

  it("is an assignment of the owner, which no data can imitate (SEC-26)", async () => {
    const eve = someone();
    const names = [
      "owner",
      "user",
      "_owner",
      "_user_id",
      "_fresh",
      "__proto__",
      "authenticatedAt",
      "isLogin",
    ];
    await eve.visit(() => {
      for (const name of names) session.set(name, "ada");
    });
    const { seen } = await eve.visit(() => {
      expect(() => requireFresh(60)).toThrow(NotFreshError);
      return [session.owner, session.get("owner")];
    });
    expect(seen).toEqual([null, "ada"]);
    expect(isReservedName("owner")).toBe(true);
    expect(await new SessionManager(options).list("ada")).toEqual([]);
  });
});

describe("a change of password", () => {
  it("ends all other sessions at their next request, renews this one, and costs them no extra call (SEC-65)", async () => {
    const manager = new SessionManager(options);
    const [here, there] = [new Visitor(manager), new Visitor(manager)];
    for (const visitor of [here, there]) await visitor.visit(() => (session.owner = "ada"));
    await there.visit(() => session.owner);
    const before = here.cookie;
    await here.visit(async () => {
      await manager.destroyAll("ada", { except: session });
      session.regenerate({ keep: true });
      session.changed = true;
    });
    expect(here.cookie).not.toBe(before);
    calls.length = 0;
    expect((await there.visit(() => session.owner)).seen).toBeNull();
    expect((await here.visit(() => [session.owner, session.changed])).seen).toEqual(["ada", true]);
    expect(calls.map(({ verb }) => verb)).toEqual(["read", "read"]);
    expect((await someone().visit(() => session.owner, { cookie: before })).seen).toBeNull();
  });
});

describe("requireFresh", () => {
  it("passes until maxAge after the login, fails from then on, and passes after another one under a new token (SEC-67)", async () => {
    const ada = someone();
    await ada.visit(() => {
      session.owner = "ada";
      requireFresh(0);
    });
    const ask = () => ada.visit(() => requireFresh(300));
    time += 300_000;
    await ask();
    time += 1000;
    await expect(ask()).rejects.toMatchObject({ name: "NotFreshError", code: "NOT_FRESH", status: 403 });
    const before = ada.cookie;
    await ada.visit(() => (session.owner = "ada"));
    expect(ada.cookie).not.toBe(before);
    await ask();
  });

  it("counts from the login, not from the last request or rotation", async () => {
    const ada = someone({ storeOptions: { rotateAfter: 60 } });
    await ada.visit(() => (session.owner = "ada"));
    for (let minute = 0; minute < 6; minute++) {
      time += 60_000;
      await ada.visit(() => (session.minute = minute));
    }
    await expect(ada.visit(() => requireFresh(300))).rejects.toThrow(NotFreshError);
  });

  it("fails for strangers and after a logout, and needs a store", async () => {
    const ada = someone();
    await expect(ada.visit(() => requireFresh(300))).rejects.toThrow(NotFreshError);
    await ada.visit(() => (session.owner = "ada"));
    await ada.visit(() => {
      session.destroy();
      expect(() => requireFresh(300)).toThrow(NotFreshError);
    });
    const cookies = new Visitor(new SessionManager({ secretKey: "s" }));
    await expect(cookies.visit(() => requireFresh(300))).rejects.toThrow(ConfigError);
  });
});

describe("the limits of NIST SP 800-63B-4 (SEC-28)", () => {
  const [minute, hour, day] = [60, 3600, 86_400];

  it("are in the documentation as they are tested here", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/options.md"), "utf8");
    expect(page).toContain("absoluteTimeout: 24 * 60 * 60, idleTimeout: 60 * 60 }");
    expect(page).toContain("absoluteTimeout: 12 * 60 * 60, idleTimeout: 15 * 60 }");
  });

  it.each([
    ["level 2", { storeOptions: { absoluteTimeout: day, idleTimeout: hour } }, [day, hour]],
    [
      "level 3",
      { storeOptions: { absoluteTimeout: 12 * hour, idleTimeout: 15 * minute } },
      [12 * hour, 15 * minute],
    ],
    ["hardened", { hardened: true }, [day, hour]],
  ] as const)(
    "%s ends a busy session at its absolute limit and an idle one at its idle limit",
    async (_, given, [absolute, idleLimit]) => {
      const [busy, idle] = [someone(given), someone(given)];
      for (const visitor of [busy, idle]) await visitor.visit(() => (session.owner = "ada"));
      const start = time;
      const isLive = async (visitor: Visitor) => (await visitor.visit(() => session.owner)).seen === "ada";
      time = start + idleLimit * 1000 - 1000;
      expect(await isLive(busy)).toBe(true);
      time = start + idleLimit * 1000;
      expect(await isLive(idle)).toBe(false);
      while (time + 600_000 < start + absolute * 1000) {
        time += 600_000;
        expect(await isLive(busy)).toBe(true);
      }
      time = start + absolute * 1000;
      expect(await isLive(busy)).toBe(false);
    },
  );
});
