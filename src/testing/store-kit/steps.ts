import assert from "node:assert/strict";
import { type Kit, newId, write } from "./kit.ts";

/** Texts that an engine, a query language or JavaScript might change or misinterpret. */
const AWKWARD: readonly string[] = [
  "",
  " ",
  "0",
  "1.0",
  "null",
  "NULL",
  "[]",
  ' { "b" : 1, "a" : [ 1.0, -0.0, 123456789012345678901234567890 ] } ',
  '{"__proto__":{"polluted":true},"a":1,"a":2}',
  "'; DROP TABLE hipflask_sessions; --",
  "a'b\"c\\d`e $1 ? :name @x %s %0041 \\u0000 {tag} \\",
  "line\nbreak\r\n\t\u2028\u2029",
  "trailing blanks   ",
  "ключ 鍵 🍶 e\u0301 é ﷽ \u{10ffff} \ufeff \uffff",
  "x".repeat(70_000),
  `"${"🍶".repeat(60_000)}"`,
];

export function steps(kit: Kit): void {
  const { it } = kit;

  it("stores texts unchanged, with their commit ids", async () => {
    const { store, another } = await kit.open();
    const { key, commit } = await kit.record(store);
    let expected = commit;
    for (const text of AWKWARD.filter((one) => Buffer.byteLength(one) <= kit.capabilities.maxBytes)) {
      const inserted = await kit.record(store, text);
      const back = await another.read(inserted.key);
      assert.equal(back?.text, text);
      assert.equal(back.commit, inserted.commit);
      const next = write(text);
      assert.deepEqual(await store.replace(key, expected, next), { status: "ok" });
      const replaced = await another.read(key);
      assert.equal(replaced?.text, text);
      assert.equal(replaced.commit, next.commit);
      expected = next.commit;
    }
  });

  it("distinguishes keys and commit ids by case, and supports all of their characters", async () => {
    const { store } = await kit.open();
    const unique = newId();
    const keys = [
      `${unique}x`,
      `${unique}X`,
      `${unique}:_-`,
      `owner:${"h".repeat(100)}${unique.slice(0, 14)}`,
    ];
    for (const key of keys) assert.equal(await store.insert(key, write(key)), true, key);
    for (const key of keys) assert.equal((await store.read(key))?.text, key);
    const commits = [
      "aaaaaaaaaaaaaaaa",
      "AAAAAAAAAAAAAAAA",
      "0000000000000000",
      "----------------",
      "________________",
    ];
    const key = newId();
    await store.insert(key, { text: "first", commit: commits[0]!, lifetime: 60 });
    for (const [at, commit] of commits.entries()) {
      const next = { text: commit, commit: commits[(at + 1) % commits.length]!, lifetime: 60 };
      for (const wrong of commits.filter((other) => other !== commit)) {
        assert.equal((await store.replace(key, wrong, next)).status, "conflict", `${wrong} is not ${commit}`);
      }
      assert.deepEqual(await store.replace(key, commit, next), { status: "ok" });
    }
  });

  it("SEC-6: insert does not overwrite", async () => {
    const { store } = await kit.open();
    const { key, commit } = await kit.record(store, "mine");
    assert.equal(await store.insert(key, write("theirs")), false);
    const { text, commit: kept } = (await store.read(key))!;
    assert.deepEqual([text, kept], ["mine", commit]);
  });

  it("SEC-8: replace and remove report a missing record as gone, and do not create it", async () => {
    const { store } = await kit.open();
    const key = newId();
    assert.equal(await store.read(key), undefined);
    assert.deepEqual(await store.replace(key, newId(), write("late")), { status: "gone" });
    assert.deepEqual(await store.remove(key), { status: "gone" });
    assert.deepEqual(await store.remove(key, newId()), { status: "gone" });
    assert.equal(await store.read(key), undefined);
    assert.equal(await store.insert(key, write("first")), true, "the key can be used");
  });

  it("SEC-9: replace only succeeds with the current commit id", async () => {
    const { store, another } = await kit.open();
    const { key, commit } = await kit.record(store, "first");
    const second = write("second");
    assert.deepEqual(await store.replace(key, commit, second), { status: "ok" });
    const late = await another.replace(key, commit, write("late"));
    assert.equal(late.status, "conflict");
    assert.deepEqual(known(late.current), ["second", second.commit], "a conflict returns the stored record");
    assert.deepEqual(known(await store.read(key)), ["second", second.commit]);
    assert.deepEqual(await another.replace(key, second.commit, write("third")), { status: "ok" });
  });

  it("SEC-11: every step reports a removed record as gone", async () => {
    const { store, another } = await kit.open();
    const { key, commit } = await kit.record(store);
    assert.deepEqual(await another.remove(key), { status: "ok" });
    assert.deepEqual(await store.replace(key, commit, write("late")), { status: "gone" });
    assert.deepEqual(await store.remove(key), { status: "gone" });
    assert.equal(await store.read(key), undefined);
  });

  it("SEC-11: remove with an expected commit id only succeeds if it is current", async () => {
    const { store } = await kit.open();
    const { key, commit } = await kit.record(store, "first");
    const second = write("second");
    await store.replace(key, commit, second);
    const answer = await store.remove(key, commit);
    assert.equal(answer.status, "conflict");
    assert.deepEqual(known(answer.current), ["second", second.commit]);
    assert.deepEqual(known(await store.read(key)), ["second", second.commit]);
    assert.deepEqual(await store.remove(key, second.commit), { status: "ok" });
    assert.equal(await store.read(key), undefined);
  });

  it("SEC-36: the commit id shows that a step resent after a lost reply was applied before", async () => {
    const { store } = await kit.open();
    const [key, first, second] = [newId(), write("first"), write("second")];
    assert.equal(await store.insert(key, first), true);
    assert.equal(await store.insert(key, first), false);
    assert.equal((await store.read(key))?.commit, first.commit, "the stored commit id is the writer's own");
    assert.deepEqual(await store.replace(key, first.commit, second), { status: "ok" });
    const again = await store.replace(key, first.commit, second);
    assert.equal(again.status, "conflict");
    assert.equal(again.current.commit, second.commit, "the stored commit id is the writer's own");
  });

  it("readMany: returns the existing records, truncated", async () => {
    const { store } = await kit.open();
    if (store.readMany === undefined) return;
    const head = "h".repeat(200);
    const asked: string[] = [];
    for (let n = 0; n < kit.rounds(2000, 120); n++) {
      const { key } = await kit.record(store, `${head}${n}:${"🍶".repeat(1000)}`);
      asked.push(key, newId());
      if (n % 3 === 0) await store.remove(key);
    }
    const found = await store.readMany(asked, 200);
    for (const key of asked) {
      const record = await store.read(key);
      assert.equal(found.get(key)?.commit, record?.commit, "the same commit id as from read, or none");
      assert.equal(found.get(key)?.text.slice(0, 200), record && head);
    }
    const longest = Math.max(...Array.from(found.values(), ({ text }) => text.length));
    assert.ok(longest <= 1200, `readMany truncates texts, but returned ${longest} characters`);
    assert.equal((await store.readMany([], 200)).size, 0);
  });

  if (!kit.capabilities.countsCommands) return;

  it("SEC-12: each step is one command, and after a conflict a second one may read the record", async () => {
    const { store } = await kit.open();
    const { key, commit: first } = await kit.record(store);
    // The first call may have to send a script to the engine.
    const [warm, next] = [write("warm"), write("next")];
    await store.replace(key, first, warm);
    const cases: Array<[string, number, () => Promise<unknown>]> = [
      ["read", 1, () => store.read(key)],
      ["insert", 1, () => store.insert(newId(), write("new"))],
      ["insert of a taken key", 2, () => store.insert(key, write("new"))],
      ["replace", 1, () => store.replace(key, warm.commit, next)],
      ["replace of a missing record", 2, () => store.replace(newId(), warm.commit, next)],
      ["remove", 1, () => store.remove(key)],
      ["remove of a missing record", 1, () => store.remove(key)],
    ];
    for (const [name, most, act] of cases) {
      const commands = await commandsOf(kit, act);
      assert.ok(commands >= 1 && commands <= most, `${name}: ${commands} commands`);
    }
  });

  if (!kit.capabilities.atomic) return;

  it("SEC-12: no step restores a record that is removed before one of its commands", async () => {
    const { store, another } = await kit.open();
    const slow: Array<(key: string, commit: string) => Promise<unknown>> = [
      (key, commit) => store.replace(key, commit, write("late")),
      // Loses, so it has to read the current record.
      (key) => store.replace(key, newId(), write("late")),
      (key, commit) => store.remove(key, commit),
      (key) => store.remove(key, newId()),
      (key) => store.read(key),
    ];
    for (const [at, act] of slow.entries()) {
      for (let before = 1; before <= 12; before++) {
        const { key, commit } = await kit.record(store);
        let command = 0;
        kit.onCommand = async () => {
          if (++command !== before) return;
          kit.onCommand = undefined;
          await another.remove(key);
        };
        await act(key, commit);
        const isReached = kit.onCommand === undefined;
        kit.onCommand = undefined;
        if (!isReached) break;
        assert.equal(await store.read(key), undefined, `case ${at}, command ${before}`);
      }
    }
  });
}

/** The parts of a record to compare: engines may add the time. */
export function known(
  stored: { readonly text: string; readonly commit: string } | undefined,
): [string, string] | undefined {
  return stored && [stored.text, stored.commit];
}

async function commandsOf(kit: Kit, act: () => Promise<unknown>): Promise<number> {
  let commands = 0;
  kit.onCommand = async () => void commands++;
  await act().finally(() => (kit.onCommand = undefined));
  return commands;
}
