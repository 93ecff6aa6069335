import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import type { SessionStore } from "../../stores/verbs.ts";
import { newVerifier, standing, successorOf, type Token } from "../../stores/token.ts";
import { fieldsOf, type Kit, recordOf } from "./kit.ts";

const SERVER_KEY = createSecretKey(Buffer.alloc(32, 7));
const GRACE = 30;

export function rotation(kit: Kit): void {
  const { it } = kit;

  it("SEC-21: a rotation without grace kills the old verifier at once, with its writes in flight", async () => {
    const { store } = await kit.open();
    const planted = await kit.session(store, { fields: fieldsOf({ cart: "[1]", role: '"admin"' }) });
    const fresh = newVerifier(planted.selector);
    const change = { keep: ["cart"], set: fieldsOf({ user: '"ada"' }) };
    assert.equal((await rotate(store, planted, fresh, 0, change)).status, "ok");

    const record = await recordOf(store, planted.selector);
    assert.deepEqual(new Map(record.fields), fieldsOf({ cart: "[1]", user: '"ada"' }));
    assert.equal(await judge(store, planted), "replaced");
    assert.equal(await judge(store, fresh), "current");
    const late = await store.patch(planted.selector, planted.verifierHash, { set: fieldsOf({ evil: "1" }) });
    assert.deepEqual(late, { status: "stale", reason: "verifier" });
    assert.equal((await store.touch(planted.selector, planted.verifierHash, { idle: 60 })).status, "stale");
    assert.equal((await rotate(store, planted, newVerifier(planted.selector), 0)).status, "stale");
    assert.deepEqual(await recordOf(store, planted.selector), record);
  });

  it("SEC-21: a rotation whose answer was lost can be sent again", async () => {
    const { store } = await kit.open();
    const token = await kit.session(store);
    const fresh = newVerifier(token.selector);
    assert.equal((await rotate(store, token, fresh, 0)).status, "ok");
    assert.equal((await rotate(store, token, fresh, 0)).status, "ok");
    assert.equal(await judge(store, fresh), "current");
  });

  it("SEC-23: parallel rotations agree, nobody is logged out, nothing is lost", async () => {
    const { store, another } = await kit.open();
    let refused = 0;
    let lost = 0;
    for (let round = 0; round < kit.rounds(500); round++) {
      const token = await kit.session(store);
      const next = successorOf(token, SERVER_KEY);
      const request = async (n: number) => {
        const through = n % 4 < 2 ? store : another;
        await kit.jitter();
        const known = await judge(through, token);
        if (known !== "current" && known !== "previous") refused++;
        await kit.jitter();
        const change = { set: fieldsOf({ [`key${n}`]: "1" }) };
        const answer = await (n % 2
          ? rotate(through, token, next, GRACE, change)
          : through.patch(token.selector, token.verifierHash, change));
        if (answer.status !== "ok") refused++;
      };
      await Promise.all(Array.from({ length: 8 }, (_, n) => request(n)));
      const record = await recordOf(store, token.selector);
      lost += 8 - record.fields.size;
      assert.equal(record.verifierHash, next.verifierHash, "one final token");
    }
    assert.equal(refused, 0, `${refused} requests refused`);
    assert.equal(lost, 0, `${lost} writes lost`);
  });

  it("SEC-24: a client that missed the rotation recovers within the grace", async () => {
    const { store } = await kit.open();
    const token = await kit.session(store);
    const next = successorOf(token, SERVER_KEY);
    await rotate(store, token, next, GRACE);
    assert.equal(await judge(store, token), "previous");
    const again = successorOf(token, SERVER_KEY);
    assert.equal((await rotate(store, token, again, GRACE)).status, "ok");
    assert.equal(await judge(store, again), "current");
  });

  it("SEC-23: a replaced verifier cannot lead the session another way", async () => {
    const { store } = await kit.open();
    const token = await kit.session(store);
    const next = successorOf(token, SERVER_KEY);
    await rotate(store, token, next, GRACE);
    const change = { set: fieldsOf({ evil: "1" }) };
    const astray = await rotate(store, token, newVerifier(token.selector), GRACE, change);
    assert.deepEqual(astray, { status: "conflict", reason: "rotated" });
    assert.equal(await judge(store, next), "current");
    assert.equal((await recordOf(store, token.selector)).fields.size, 0);
  });

  it("SEC-28: a rotation extends nothing", async () => {
    const { store } = await kit.open();
    const token = await kit.session(store, { expiry: { idle: 600, absolute: 1200 } });
    const before = await recordOf(store, token.selector);
    if (kit.capabilities.movesTime) kit.clock.advance(10);
    await rotate(store, token, successorOf(token, SERVER_KEY), GRACE);
    const after = await recordOf(store, token.selector);
    for (const name of ["expiresAt", "absoluteAt", "lastSeenAt", "createdAt"] as const) {
      assert.equal(after[name], before[name], name);
    }
    assert.ok(!kit.capabilities.movesTime || after.rotatedAt >= before.rotatedAt + 10_000);
  });

  if (!kit.capabilities.movesTime) return;

  it("SEC-23: the grace ends by the store's clock", async () => {
    const { store } = await kit.open();
    const token = await kit.session(store);
    const next = successorOf(token, SERVER_KEY);
    await rotate(store, token, next, GRACE);
    kit.clock.advance(GRACE - 2);
    const set = fieldsOf({ inTime: "1" });
    assert.equal((await store.patch(token.selector, token.verifierHash, { set })).status, "ok");
    kit.clock.advance(2);
    assert.equal(await judge(store, token), "replaced");
    assert.equal((await store.patch(token.selector, token.verifierHash, { set })).status, "stale");
    assert.equal((await store.touch(token.selector, token.verifierHash, { idle: 60 })).status, "stale");
    assert.equal((await rotate(store, token, next, GRACE)).status, "stale");
    assert.equal(await judge(store, next), "current");
  });
}

function rotate(store: SessionStore, from: Token, to: Token, grace: number, change = {}) {
  return store.rotate(from.selector, from.verifierHash, { next: to.verifierHash, grace, change });
}

async function judge(store: SessionStore, token: Token): Promise<string> {
  const found = await store.read(token.selector);
  return found.status === "ok" ? standing(found.record, token, found.now) : found.status;
}
