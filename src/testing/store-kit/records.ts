import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { StoreError } from "../../errors.ts";
import { newToken } from "../../stores/token.ts";
import { fieldsOf, HOUR, type Kit, recordOf } from "./kit.ts";

/** Keys and texts that an engine, a query language or JavaScript itself might mistake for something else. */
const AWKWARD: ReadonlyArray<readonly [key: string, text: string]> = [
  ["plain", '"ada"'],
  ["", '"the empty key"'],
  ["__proto__", '{"polluted":true}'],
  ["constructor", "1"],
  ["toString", "null"],
  ["$.a", "[1,2]"],
  ["a.b", "{}"],
  ["a'b\"c\\d`e", '"\'; DROP TABLE sessions; --"'],
  ["%0041", '"%"'],
  ["A", '"not %0041"'],
  ["a", '"nor A"'],
  ["ключ 鍵 🍶", '"значение 値 🍶"'],
  ["nul\0key", '"\\u0000"'],
  ["lone\ud800", '"\\ud800"'],
  ["line\nbreak\r\t\u2028", '"\\n"'],
  ["{tag}", '{" t":[1,2]}'],
  ["float", "1.0"],
  ["precise", "3.141592653589793238462643383279"],
  ["huge", "123456789012345678901234567890"],
  ["negative zero", "-0.0"],
  ["spaced", ' { "a" : [ ] } '],
  ["escapes", '"\\u00e9\\/\\\\\\""'],
  ["trailing ", '" "'],
  ["long".repeat(30), `"${"x".repeat(20_000)}"`],
];

export function records(kit: Kit): void {
  const { it } = kit;

  it("keeps every field, letter for letter", async () => {
    const { store } = await kit.open();
    const fields = new Map(AWKWARD);
    const created = await kit.session(store, { fields });
    assert.deepEqual(sorted((await recordOf(store, created.selector)).fields), sorted(fields));

    const patched = await kit.session(store);
    for (const [key, text] of AWKWARD) {
      const set = new Map([[key, text]]);
      const answer = await store.patch(patched.selector, patched.verifierHash, { set });
      assert.equal(answer.status, "ok", `patch of ${JSON.stringify(key)}`);
    }
    assert.deepEqual(sorted((await recordOf(store, patched.selector)).fields), sorted(fields));

    for (const [key, text] of AWKWARD) {
      const expect = new Map([[key, text]]);
      const answer = await store.patch(patched.selector, patched.verifierHash, { expect, unset: [key] });
      assert.equal(answer.status, "ok", `compare-and-set of ${JSON.stringify(key)}`);
    }
    assert.equal((await recordOf(store, patched.selector)).fields.size, 0);
    assert.equal(({} as { polluted?: true }).polluted, undefined);
  });

  it("tells what it was told at creation", async () => {
    const { store } = await kit.open();
    const device = '{"browser":"Firefox"}';
    const token = await kit.session(store, { device, expiry: { idle: 60, absolute: 7200 } });
    const found = await store.read(token.selector);
    assert.equal(found.status, "ok");
    if (found.status !== "ok") return;
    const { record, now } = found;
    assert.equal(record.selector, token.selector);
    assert.equal(record.verifierHash, token.verifierHash);
    assert.equal(record.previousHash, null);
    assert.equal(record.device, device);
    assert.equal(record.owner, null);
    assert.equal(record.authenticatedAt, null);
    assert.equal(record.lastSeenAt, record.createdAt);
    assert.equal(record.rotatedAt, record.createdAt);
    assert.equal(record.expiresAt, record.createdAt + 60_000);
    assert.equal(record.absoluteAt, record.createdAt + 7_200_000);
    assert.ok(now >= record.createdAt && now < record.expiresAt);
  });

  it("SEC-2: nothing that is stored opens a session", async () => {
    const { store, dump } = await kit.open();
    const token = await kit.session(store, { claim: { owner: newToken().selector, elapsed: () => 0 } });
    const record = await recordOf(store, token.selector);
    const forged = hash("sha256", record.verifierHash, "base64url");
    const set = fieldsOf({ evil: "1" });
    assert.equal((await store.patch(token.selector, forged, { set })).status, "stale");
    assert.equal((await recordOf(store, token.selector)).fields.size, 0);
    if (dump) assert.ok(!(await dump(token.selector)).includes(token.verifier));
  });

  it("SEC-5: no verb adopts a selector it does not know", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = newToken();
    await store.patch(selector, verifierHash, { set: fieldsOf({ a: "1" }), expiry: HOUR });
    await store.touch(selector, verifierHash, { idle: 60 });
    await store.rotate(selector, verifierHash, {
      next: newToken().verifierHash,
      grace: 30,
      change: { expiry: HOUR },
    });
    assert.equal((await store.read(selector)).status, "gone");
    assert.deepEqual(await store.live([selector]), []);
  });

  it("SEC-6: creating never overwrites", async () => {
    const { store } = await kit.open();
    const first = await kit.session(store, { fields: fieldsOf({ mine: "1" }) });
    const second = newToken();
    const answer = await store.create({
      ...second,
      selector: first.selector,
      fields: new Map(),
      expiry: HOUR,
    });
    assert.deepEqual(answer, { status: "conflict", reason: "selector" });
    const record = await recordOf(store, first.selector);
    assert.equal(record.verifierHash, first.verifierHash);
    assert.deepEqual([...record.fields], [["mine", "1"]]);
    assert.equal((await store.create({ ...second, fields: new Map(), expiry: HOUR })).status, "ok");

    const same = newToken();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => store.create({ ...same, fields: new Map(), expiry: HOUR })),
    );
    assert.equal(
      answers.filter((one) => one.status === "ok").length,
      1,
      "of eight at once exactly one creates",
    );
  });

  it("SEC-8: patch, touch and rotate of a missing session are gone and leave nothing", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = newToken();
    const next = newToken().verifierHash;
    assert.equal((await store.patch(selector, verifierHash, { set: fieldsOf({ a: "1" }) })).status, "gone");
    assert.equal(
      (await store.patch(selector, verifierHash, { expect: new Map([["a", null]]) })).status,
      "gone",
    );
    assert.equal((await store.touch(selector, verifierHash, { idle: 60 })).status, "gone");
    assert.equal((await store.rotate(selector, verifierHash, { next, grace: 0 })).status, "gone");
    assert.equal((await store.destroy(selector)).status, "gone");
    assert.equal((await store.read(selector)).status, "gone");
    const created = await store.create({ selector, verifierHash, fields: new Map(), expiry: HOUR });
    assert.equal(created.status, "ok", "and no trace keeps the selector from being created");
  });

  it("SEC-8: a foreign verifier is stale for every verb and changes nothing", async () => {
    const { store } = await kit.open();
    const token = await kit.session(store, { fields: fieldsOf({ a: "1" }) });
    const before = await recordOf(store, token.selector);
    const foreign = newToken().verifierHash;
    const change = { set: fieldsOf({ a: "2" }), unset: ["a"], expiry: { idle: 7200 } };
    const stale = { status: "stale", reason: "verifier" };
    assert.deepEqual(await store.patch(token.selector, foreign, change), stale);
    assert.deepEqual(await store.touch(token.selector, foreign, { idle: 7200 }), stale);
    assert.deepEqual(
      await store.rotate(token.selector, foreign, { next: foreign, grace: 30, change }),
      stale,
    );
    assert.deepEqual(await recordOf(store, token.selector), before);
  });

  it("SEC-9: a change is applied whole or not at all, and in its order", async () => {
    const { store } = await kit.open();
    const fields = fieldsOf({ a: "1", b: "2", c: "3" });
    const { selector, verifierHash } = await kit.session(store, { fields });

    const refused = await store.patch(selector, verifierHash, {
      expect: new Map([
        ["a", "1"],
        ["b", "not 2"],
      ]),
      set: fieldsOf({ a: "9", d: "4" }),
      unset: ["c"],
      device: '"changed"',
    });
    assert.equal(refused.status, "conflict");
    if (refused.status === "conflict") {
      assert.equal(refused.reason, "expected");
      assert.deepEqual(sorted(refused.record?.fields), sorted(fields), "the conflict tells what is there");
    }
    assert.deepEqual(sorted((await recordOf(store, selector)).fields), sorted(fields));
    assert.equal((await recordOf(store, selector)).device, null);

    const expect = new Map([
      ["a", "1"],
      ["nothing", null],
    ]);
    await ok(
      store.patch(selector, verifierHash, {
        expect,
        keep: ["a", "b", "x"],
        unset: ["a", "b"],
        set: fieldsOf({ b: "5" }),
      }),
    );
    assert.deepEqual(sorted((await recordOf(store, selector)).fields), [["b", "5"]]);
    await ok(store.patch(selector, verifierHash, { keep: [], set: fieldsOf({ only: "1" }) }));
    assert.deepEqual(sorted((await recordOf(store, selector)).fields), [["only", "1"]]);
    await ok(store.patch(selector, verifierHash, {}));
    assert.deepEqual(sorted((await recordOf(store, selector)).fields), [["only", "1"]]);
  });

  it("SEC-61: a record that would grow too large is refused and stays as it was", async () => {
    const { store } = await kit.open();
    const { selector, verifierHash } = await kit.session(store, { fields: fieldsOf({ a: "1" }) });
    const megabyte = `"${"x".repeat(2 ** 20)}"`;
    await assert.rejects(store.patch(selector, verifierHash, { set: fieldsOf({ a: megabyte }) }), tooLarge);
    const manyKeys = new Map(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, "1"] as const));
    await assert.rejects(store.patch(selector, verifierHash, { set: manyKeys }), tooLarge);
    await assert.rejects(store.create({ ...newToken(), fields: manyKeys, expiry: HOUR }), tooLarge);
    const growing = async () => {
      for (let index = 0; index < 20; index++) {
        await store.patch(selector, verifierHash, {
          set: fieldsOf({ [`part${index}`]: `"${"x".repeat(60_000)}"` }),
        });
      }
    };
    await assert.rejects(growing(), tooLarge, "many small writes are bounded as one large one is");
    assert.equal((await recordOf(store, selector)).fields.get("a"), "1");
  });

  if (!kit.capabilities.corrupts) return;

  it("SEC-37: a record that cannot be decoded is gone, and is kept", async () => {
    const { store, corrupt, dump } = await kit.open();
    assert.ok(corrupt, "a factory whose store corrupts gives `corrupt`");
    const { selector, verifierHash } = await kit.session(store, { fields: fieldsOf({ a: "1" }) });
    await corrupt(selector);
    const before = await dump?.(selector);
    assert.deepEqual(await store.read(selector), { status: "gone", undecodable: true });
    assert.equal((await store.patch(selector, verifierHash, { set: fieldsOf({ a: "2" }) })).status, "gone");
    const taken = await store.create({ selector, verifierHash, fields: new Map(), expiry: HOUR });
    assert.equal(taken.status, "conflict");
    assert.equal(await dump?.(selector), before);
    await store.destroy(selector);
    assert.deepEqual(await store.read(selector), { status: "gone" });
  });
}

async function ok(answer: Promise<{ status: string }>): Promise<void> {
  assert.equal((await answer).status, "ok");
}

function sorted(fields: Iterable<readonly [string, string]> | undefined): Array<readonly [string, string]> {
  return [...(fields ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}

function tooLarge(error: unknown): boolean {
  return error instanceof StoreError && error.reason === "too-large" && !error.message.includes("xxxx");
}
