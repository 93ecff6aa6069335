import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Claim, NewSession, SessionStore } from "../../stores/verbs.ts";
import { newToken, newVerifier } from "../../stores/token.ts";
import { fieldsOf, HOUR, type Kit, recordOf } from "./kit.ts";

export function owners(kit: Kit): void {
  const { it, clock } = kit;

  it("SEC-63: an owner's sessions are listed without anything secret", async () => {
    const { store } = await kit.open();
    const owner = `ada ${newToken().selector} 🍶`;
    const tokens = [];
    for (let device = 0; device < 3; device++) {
      const fields = fieldsOf({ private: '"data"' });
      tokens.push(await kit.session(store, { claim: claimFor(owner), device: `"device ${device}"`, fields }));
    }
    await kit.session(store, { claim: claimFor(`${owner}x`) });
    const short = await kit.session(store, { claim: claimFor(owner), expiry: { idle: 5 } });
    if (kit.capabilities.movesTime) clock.advance(6);
    else await store.destroy(short.selector);

    const listed = await store.list(owner);
    assert.deepEqual(
      listed.map((info) => info.selector).sort(),
      tokens.map((token) => token.selector).sort(),
    );
    for (const info of listed) {
      const record = await recordOf(store, info.selector);
      const { selector, device, createdAt, authenticatedAt, lastSeenAt, expiresAt } = record;
      assert.deepEqual(info, { selector, device, createdAt, authenticatedAt, lastSeenAt, expiresAt });
      assert.equal(record.owner, owner);
    }
    const shown = JSON.stringify(listed);
    for (const token of tokens)
      assert.ok(!shown.includes(token.verifierHash) && !shown.includes(token.verifier));
    assert.ok(!shown.includes("private"));
    assert.deepEqual(await store.list(newToken().selector), []);
  });

  it("SEC-63: a session is filed under an owner when it is claimed, moved, and let go", async () => {
    const { store } = await kit.open();
    const [ada, bob] = [newToken().selector, newToken().selector];
    const { selector, verifierHash } = await kit.session(store);
    const before = await recordOf(store, selector);
    await store.patch(selector, verifierHash, {
      claim: { owner: ada, elapsed: () => 2 },
      set: fieldsOf({ a: "1" }),
    });
    assert.deepEqual(names(await store.list(ada)), [selector]);
    const { authenticatedAt } = await recordOf(store, selector);
    assert.ok(authenticatedAt! <= before.createdAt + 1000, "the moment the authentication began");

    const next = newVerifier(selector);
    const change = { claim: claimFor(bob), keep: [] };
    assert.equal(
      (await store.rotate(selector, verifierHash, { next: next.verifierHash, grace: 0, change })).status,
      "ok",
    );
    assert.deepEqual(names(await store.list(ada)), []);
    assert.deepEqual(names(await store.list(bob)), [selector]);
    assert.equal((await recordOf(store, selector)).fields.size, 0);

    await store.patch(selector, next.verifierHash, { claim: null });
    assert.deepEqual(await store.list(bob), []);
    assert.equal((await recordOf(store, selector)).owner, null);
    assert.deepEqual((await store.destroyAll(bob)).ended, []);
    assert.equal((await store.read(selector)).status, "ok");
  });

  it("SEC-64: one, the others, or all sessions of an owner are ended, and nobody else's", async () => {
    const { store } = await kit.open();
    const owner = newToken().selector;
    const [one, two, three] = [await login(kit, owner), await login(kit, owner), await login(kit, owner)];
    const foreign = await login(kit, newToken().selector);
    await store.destroy(one.selector);
    assert.deepEqual(names(await store.list(owner)).sort(), [two.selector, three.selector].sort());
    assert.deepEqual((await store.destroyAll(owner, { except: two.selector })).ended, [three.selector]);
    assert.deepEqual(names(await store.list(owner)), [two.selector]);
    const write = await store.patch(three.selector, three.verifierHash, {
      set: fieldsOf({ a: "1" }),
      expiry: HOUR,
    });
    assert.equal(write.status, "gone");
    assert.deepEqual((await store.destroyAll(owner)).ended, [two.selector]);
    assert.deepEqual(await store.list(owner), []);
    assert.equal((await store.read(foreign.selector)).status, "ok");
    await login(kit, owner);
    assert.equal((await store.list(owner)).length, 1, "and a later login is welcome");
  });

  it("SEC-64: a login whose authentication began before destroyAll loses", async () => {
    const { store, another } = await kit.open();
    const owner = newToken().selector;
    const anonymous = await kit.session(store);
    await another.destroyAll(owner);
    const claim = { owner, elapsed: () => 10 };
    const revoked = { status: "stale", reason: "revoked" };
    const created = newToken();
    assert.deepEqual(await store.create({ ...created, fields: new Map(), expiry: HOUR, claim }), revoked);
    const change = { claim, set: fieldsOf({ user: '"ada"' }) };
    assert.deepEqual(await store.patch(anonymous.selector, anonymous.verifierHash, change), revoked);
    assert.equal((await store.read(created.selector)).status, "gone");
    assert.deepEqual(await store.list(owner), []);
    const left = await store.read(anonymous.selector);
    assert.ok(left.status === "gone" || (left.record.owner === null && left.record.fields.size === 0));
  });

  it("SEC-64: logins that race destroyAll lose, however the race goes", async () => {
    const { store, another } = await kit.open();
    let survived = 0;
    for (let round = 0; round < kit.rounds(300); round++) {
      const owner = newToken().selector;
      const anonymous = await kit.session(store);
      const began = performance.now();
      const claim = { owner, elapsed: () => (performance.now() - began) / 1000 };
      const token = round % 2 ? anonymous : newToken();
      const loggingIn = async () => {
        await kit.jitter();
        if (round % 2) await store.patch(token.selector, token.verifierHash, { claim });
        else await store.create({ ...token, fields: new Map(), expiry: HOUR, claim });
      };
      const revoking = async () => {
        await sleep(0);
        await kit.jitter();
        await another.destroyAll(owner);
      };
      await Promise.all([loggingIn(), revoking()]);
      const found = await store.read(token.selector);
      if ((found.status === "ok" && found.record.owner !== null) || (await store.list(owner)).length > 0)
        survived++;
    }
    assert.equal(survived, 0, `${survived} logins survived`);
  });

  it("SEC-66: a limit of sessions per owner holds under parallel logins", async () => {
    const { store, another } = await kit.open();
    for (const overflow of ["refuse", "end-oldest"] as const) {
      for (let round = 0; round < kit.rounds(40, 4); round++) {
        const owner = newToken().selector;
        const limit = { max: 2, overflow };
        const logins = Array.from({ length: 10 }, async (_, n) => {
          const token = newToken();
          await kit.jitter();
          const session: NewSession = {
            ...token,
            fields: new Map(),
            expiry: HOUR,
            claim: { ...claimFor(owner), limit },
          };
          const answer = await (n % 2 ? store : another).create(session);
          return { token, answer };
        });
        const done = await Promise.all(logins);
        const alive = await store.live(done.map(({ token }) => token.selector));
        assert.equal(alive.length, 2, `${overflow}: exactly two alive`);
        assert.equal((await store.list(owner)).length, 2);
        if (overflow === "refuse") {
          for (const { token, answer } of done) {
            assert.equal(answer.status, alive.includes(token.selector) ? "ok" : "conflict");
            if (answer.status === "conflict") assert.equal(answer.reason, "limit");
          }
        }
      }
    }
  });

  it("SEC-66: room is made by ending the oldest, and a session never stands in its own way", async () => {
    const { store } = await kit.open();
    const owner = newToken().selector;
    const limit = { max: 2, overflow: "end-oldest" } as const;
    const oldest = await kit.session(store, { claim: { owner, elapsed: () => 30 } });
    const newer = await kit.session(store, { claim: { owner, elapsed: () => 20 } });
    const again = { owner, elapsed: () => 10, limit };
    assert.deepEqual(await store.patch(newer.selector, newer.verifierHash, { claim: again }), {
      status: "ok",
    });
    const third = newToken();
    const claim = { owner, elapsed: () => 0, limit };
    const answer = await store.create({ ...third, fields: new Map(), expiry: HOUR, claim });
    assert.deepEqual(answer, { status: "ok", ended: [oldest.selector] });
    assert.equal((await store.read(oldest.selector)).status, "gone");
    assert.deepEqual(names(await store.list(owner)), [third.selector, newer.selector]);
  });
}

function claimFor(owner: string): Claim {
  return { owner, elapsed: () => 0 };
}

async function login(kit: Kit, owner: string) {
  const { store } = await kit.open();
  return kit.session(store, { claim: claimFor(owner) });
}

function names(infos: Awaited<ReturnType<SessionStore["list"]>>): string[] {
  return infos.map((info) => info.selector);
}
