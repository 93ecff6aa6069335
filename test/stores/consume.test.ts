import { beforeEach, describe, expect, it } from "vitest";
import {
  consume,
  NotFreshError,
  OutsideRequestError,
  requireFresh,
  session,
  SessionManager,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { recorded, type StoreCall } from "./recorded.ts";
import { Visitor, visitorOf } from "./visitor.ts";

let calls: StoreCall[];
let manager: SessionManager;
let ada: Visitor;

beforeEach(async () => {
  const { store, calls: made } = recorded(memoryStore());
  calls = made;
  manager = new SessionManager({ secretKey: "s", store, storeOptions: { sweepEvery: 0 } });
  ada = new Visitor(manager);
  await ada.visit(() => session.update({ reset: { email: "ada@example.com" }, other: 1 }));
  calls.length = 0;
});

describe("consume", () => {
  it("gives the value to one of many requests at once, and to none later (SEC-26)", async () => {
    const seen = await Promise.all(Array.from({ length: 8 }, () => ada.visit(() => consume("reset"))));
    expect(seen.flatMap(({ seen }) => seen ?? [])).toEqual([{ email: "ada@example.com" }]);
    expect((await ada.visit(() => consume("reset"))).seen).toBeUndefined();
    expect(await ada.data()).toEqual({ other: 1 });
  });

  it("counts also where the request fails afterwards, and costs one operation", async () => {
    await ada.visit(() => consume("reset"), { status: 500 });
    expect(calls.map(({ verb }) => verb)).toEqual(["read", "replace"]);
    expect((await ada.visit(() => consume("reset"))).seen).toBeUndefined();
  });

  it("leaves alone what is put in again meanwhile, and what it does not find", async () => {
    const { cookie } = ada;
    await ada.visit(async () => {
      await consume("reset");
      session.mine = 1;
      await new Visitor(manager).visit(() => (session.reset = "again"), { cookie });
    });
    expect(await ada.data()).toEqual({ other: 1, mine: 1, reset: "again" });
    expect((await ada.visit(() => consume("nothing"))).seen).toBeUndefined();
  });

  it("gives what the same request wrote, and takes it out", async () => {
    const { seen } = await ada.visit(async () => {
      session.fresh = [1];
      return [await consume("fresh"), "fresh" in session];
    });
    expect(seen).toEqual([[1], false]);
    expect(await ada.data()).not.toHaveProperty("fresh");
  });

  it("lets the request put the same value in again, and overwrites nothing that others write meanwhile", async () => {
    const { cookie } = ada;
    await ada.visit(async () => {
      session.reset = await consume("reset");
      await new Visitor(manager).visit(() => (session.other = 2), { cookie });
    });
    expect(await ada.data()).toEqual({ reset: { email: "ada@example.com" }, other: 2 });
  });

  it("gives nothing of a session that ended meanwhile", async () => {
    const { cookie } = ada;
    const { seen } = await ada.visit(async () => {
      await ada.visit(() => session.destroy(), { cookie });
      return consume("reset");
    });
    expect(seen).toBeUndefined();
  });

  it("leaves the value to a login that was first", async () => {
    const tab = new Visitor(manager);
    tab.cookie = ada.cookie;
    const { seen } = await ada.visit(async () => {
      await tab.visit(() => (session.owner = "ada"));
      return consume("reset");
    });
    expect(seen).toBeUndefined();
    expect((await tab.visit(() => consume("reset"))).seen).toEqual({ email: "ada@example.com" });
  });

  it("is not a login, whatever its content (SEC-26)", async () => {
    await ada.visit(() => (session.reset = { owner: "ada", authenticated: true }));
    await ada.visit(async () => {
      expect(await consume("reset")).toEqual({ owner: "ada", authenticated: true });
      expect(session.owner).toBeNull();
      expect(() => requireFresh(60)).toThrow(NotFreshError);
    });
  });

  it("is pop in a cookie, and works during a request only", async () => {
    const bob = visitorOf({});
    await bob.visit(() => (session.reset = 1));
    expect((await bob.visit(() => consume("reset"))).seen).toBe(1);
    expect((await bob.visit(() => consume("reset"))).seen).toBeUndefined();
    await expect(consume("reset")).rejects.toThrow(OutsideRequestError);
  });
});
