import { describe, expect, it } from "vitest";
import { bound } from "../testing/store-kit/concurrency.ts";
import { memoryStore } from "./memory.ts";
import type { SessionStore } from "./verbs.ts";
import { withTimeLimit } from "./time-limit.ts";
import { newToken } from "./token.ts";
import { transact } from "./transact.ts";

const dropped = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

/** A store whose connection dies after the first `deaths` operations were applied, before their answers arrive. */
function dying(store: SessionStore, deaths: number): { store: SessionStore; calls: string[] } {
  const calls: string[] = [];
  const verbs = bound(store) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const mortal: Record<string, unknown> = { traits: store.traits };
  for (const [verb, act] of Object.entries(verbs)) {
    if (verb === "traits") continue;
    mortal[verb] = async (...args: unknown[]) => {
      calls.push(verb);
      const answer = await act(...args);
      if (calls.length <= deaths) throw dropped();
      return answer;
    };
  }
  return { store: mortal as unknown as SessionStore, calls };
}

async function withSession() {
  const store = memoryStore();
  const token = newToken();
  await store.create({ ...token, fields: new Map([["n", "1"]]), expiry: { idle: 60 } });
  return { store, ...token };
}

describe("withTimeLimit", () => {
  it("ends a call that hangs (SEC-36)", async () => {
    const hanging = { ...bound(memoryStore()), read: () => new Promise<never>(() => {}) };
    const store = withTimeLimit(hanging, { seconds: 0.02 });
    await expect(store.read("x")).rejects.toMatchObject({ code: "STORE", reason: "timeout" });
  });

  it("tries once more when the connection was dropped and twice is as good as once (SEC-36)", async () => {
    const { store, selector, verifierHash } = await withSession();
    const once = dying(store, 1);
    const limited = withTimeLimit(once.store);
    const set = new Map([["n", "2"]]);
    expect(await limited.patch(selector, verifierHash, { set })).toEqual({ status: "ok" });
    expect(once.calls).toEqual(["patch", "patch"]);

    const twice = dying(store, 2);
    await expect(withTimeLimit(twice.store).read(selector)).rejects.toMatchObject({ reason: "unavailable" });
    expect(twice.calls).toEqual(["read", "read"]);
  });

  it("does not repeat what depends on what is stored (SEC-36)", async () => {
    const { store, selector, verifierHash } = await withSession();
    const fields = new Map([["n", "1"]]);
    const mortal = dying(store, 1);
    const increment = (text: string | null) => String(Number(text) + 1);
    const counting = transact(withTimeLimit(mortal.store), selector, verifierHash, "n", increment, {
      fields,
    });
    await expect(counting).rejects.toMatchObject({ code: "STORE" });
    const found = await store.read(selector);
    expect(found.status === "ok" && found.record.fields.get("n")).toBe("2");

    const creating = dying(store, 1);
    const session = { ...newToken(), fields, expiry: { idle: 60 } };
    await expect(withTimeLimit(creating.store).create(session)).rejects.toMatchObject({ code: "STORE" });
    expect(creating.calls).toEqual(["create"]);
  });

  it("does not repeat after any other error, and tells nothing of what a driver attached to it", async () => {
    const { store, selector } = await withSession();
    let calls = 0;
    const failing = {
      ...bound(store),
      async read() {
        calls++;
        throw Object.assign(new Error("syntax error"), {
          code: "42601",
          sql: "SELECT 'secret'",
          parameters: ["secret"],
        });
      },
    };
    const error: unknown = await withTimeLimit(failing)
      .read(selector)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "STORE", reason: "unavailable", cause: { code: "42601" } });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("secret");
    expect(Object.keys((error as Error).cause as object)).not.toContain("sql");
    expect(calls).toBe(1);
  });
});
