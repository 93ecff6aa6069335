import { randomInt } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { beforeEach, describe, expect, it } from "vitest";
import {
  session,
  SessionLostError,
  SessionManager,
  StoreError,
  type SessionOptions,
} from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { Store, Write } from "../../src/stores/parts/store.ts";
import { recorded, textOf, type StoreCall } from "./recorded.ts";
import { storedSession } from "./stored.ts";
import { Visitor } from "./visitor.ts";

let time: number;
let store: Store;
let calls: StoreCall[];

beforeEach(() => {
  time = Date.UTC(2026, 0, 1);
  ({ store, calls } = recorded(memoryStore({ now: () => time })));
});

const someone = (options: SessionOptions = {}) =>
  new Visitor(
    new SessionManager({
      secretKey: "s",
      store,
      now: () => time,
      ...options,
      storeOptions: { sweepEvery: 0, ...options.storeOptions },
    }),
  );

/** What a channel says while `act` runs. */
async function heard(name: string, act: () => Promise<unknown>): Promise<unknown[]> {
  const messages: unknown[] = [];
  const listen = (message: unknown) => void messages.push(message);
  subscribe(`hipflask:${name}`, listen);
  try {
    await act();
  } finally {
    unsubscribe(`hipflask:${name}`, listen);
  }
  return messages;
}

describe("a store", () => {
  it("is never told a verifier, at creation, login, rotation, write and logout (SEC-2)", async () => {
    const ada = someone({ storeOptions: { rotateAfter: 60, rotationGrace: 30 } });
    const verifiers = new Set<string>();
    const step = async (view: () => unknown) => {
      await ada.visit(view);
      if (ada.cookie !== "") verifiers.add(ada.cookie.split(".")[1]!);
    };
    await step(() => (session.a = 1));
    await step(() => (session.owner = "ada"));
    time += 61_000;
    await step(() => (session.b = 2));
    await step(() => session.flash("hi"));
    await step(() => session.getFlashedMessages());
    await step(() => session.transact("n", (n = 0) => Number(n) + 1));
    await step(() => session.regenerate());
    await step(() => session.destroy());
    expect(verifiers.size).toBe(4);
    const told = textOf(calls);
    expect(new Set(calls.map(({ verb }) => verb))).toEqual(new Set(["insert", "read", "replace", "remove"]));
    for (const verifier of verifiers) expect(told).not.toContain(verifier);
  });

  it("gives no access with all of its stolen records (SEC-2)", async () => {
    const ada = someone({ storeOptions: { rotateAfter: 60 } });
    await ada.visit(() => (session.owner = "ada"));
    time += 61_000;
    await ada.visit(() => session.owner);
    const [selector = ""] = ada.cookie.slice("session=".length).split(".");
    const found = await store.read(selector);
    const dump = textOf(found);
    const words = [...dump.matchAll(/[\w-]{43}/g)].map(([word]) => word);
    expect(words.length).toBeGreaterThanOrEqual(2);
    for (const word of words) {
      const thief = await someone().visit(() => [session.owner, session.size], {
        cookie: `session=${selector}.${word}`,
      });
      expect(thief.seen).toEqual([null, 0]);
    }
  });

  it("is not asked about anything that is not a token, be it 100 000 texts, a megabyte long or full of controls (SEC-4)", async () => {
    const alphabet = "ABCxyz019-_.=%\"'\\,;\0\r\n\t é鍵\ud800";
    const good = `${"A".repeat(16)}.${"A".repeat(43)}`;
    const texts = function* () {
      yield* [
        good.repeat(20_000),
        "\0".repeat(60),
        `${good}\r\nX: 1`,
        `"${good}"`,
        encodeURIComponent(good) + "%00",
      ];
      for (let n = 0; n < 100_000; n++) {
        const text = Array.from({ length: randomInt(70) }, () => alphabet[randomInt(alphabet.length)]).join(
          "",
        );
        // Half of them are a token with one fault.
        const at = randomInt(60);
        yield n % 2 ? text : good.slice(0, at) + '%\0=\n"+é '[randomInt(9)] + good.slice(at + 1);
      }
    };
    const manager = new SessionManager({ secretKey: "s", store, storeOptions: { sweepEvery: 0 } });
    const before = process.cpuUsage();
    for (const text of texts()) {
      // A `;` would begin another cookie.
      const Cookie = `session=${text.replaceAll(";", ",")}`;
      const context = manager.requestContext({ headers: { get: () => Cookie } });
      if (context.opening !== undefined) throw new Error(`the store was asked about ${JSON.stringify(text)}`);
    }
    // Of this process's own time, whatever else the machine does.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(30_000);
    expect(calls).toEqual([]);
  });

  it.each(["query", "form", "Authorization", "X-Session"])(
    "is asked about no token in %s (SEC-7)",
    async (place) => {
      const ada = someone();
      await ada.visit(() => (session.a = 1));
      const token = ada.cookie.slice("session=".length);
      const request = new Request(`http://localhost/?session=${place === "query" ? token : ""}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "X-Session": token },
        body: new URLSearchParams({ session: token }),
      });
      calls.length = 0;
      const context = new SessionManager({
        secretKey: "s",
        store,
        storeOptions: { sweepEvery: 0 },
      }).requestContext(request);
      expect(context.session.size).toBe(0);
      expect(calls).toEqual([]);
    },
  );

  it("that finds a selector taken is asked again with another one, and no more often than thrice (SEC-6)", async () => {
    let taken = 1;
    const given: string[] = [];
    const inner = store;
    const busy = new Proxy(inner, {
      get: (target, name) =>
        name === "insert"
          ? async (key: string, write: Write) => {
              given.push(key);
              return taken-- > 0 ? false : inner.insert(key, write);
            }
          : (Reflect.get(target, name) as unknown),
    });
    const ada = someone({ store: busy });
    await ada.visit(() => (session.a = 1));
    expect(new Set(given).size).toBe(2);
    expect(ada.cookie).toContain(given[1]);
    expect(await ada.data()).toEqual({ a: 1 });
    taken = Infinity;
    await expect(someone({ store: busy }).visit(() => (session.a = 1))).rejects.toThrow(StoreError);
    expect(given).toHaveLength(5);
  });

  it("finds the token behind any number of cookies of its name that are none (SEC-55)", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const junk = Array.from({ length: 50 }, (_, n) => `session=junk${n}`).join("; ");
    const found = await someone().visit(() => session.a, { cookie: `${junk}; ${ada.cookie}` });
    expect(found.seen).toBe(1);
  });

  it("is asked about eight tokens of one request at most (SEC-55)", async () => {
    const token = (n: number) => `session=${String(n).padStart(16, "0")}.${"A".repeat(43)}`;
    const cookie = Array.from({ length: 50 }, (_, n) => token(n)).join("; ");
    await someone().visit(() => session.size, { cookie });
    expect(calls.map(({ verb }) => verb)).toEqual(Array.from({ length: 8 }, () => "read"));
  });
});

describe("a cookie", () => {
  it("of two sessions is told and opens neither; what is written begins another and ends them (SEC-55)", async () => {
    const [ada, bob] = [someone(), someone()];
    for (const visitor of [ada, bob]) await visitor.visit(() => (session.a = 1));
    const told = await heard("refused", async () => {
      const cookie = `${ada.cookie}; ${bob.cookie}`;
      const look = await someone().visit(() => session.size, { cookie });
      expect(look).toMatchObject({ seen: 0, cookies: [], vary: "Cookie" });
      const eve = someone();
      await eve.visit(() => (session.b = 2), { cookie });
      expect(await eve.data()).toEqual({ b: 2 });
      for (const visitor of [ada, bob]) expect(await visitor.data()).toEqual({});
    });
    const ambiguous = { cookieName: "session", reason: "ambiguous" };
    expect(told.slice(0, 2)).toEqual([ambiguous, ambiguous]);
  });

  it.each([
    ["another case", "Session=T"],
    ["a no-break space before it", "\u00a0session=T"],
    ["a line separator before it", "\u2028session=T"],
    ["a look-alike letter", "sessiоn=T"],
    ["a prefix", "xsession=T"],
    ["a suffix", "sessionx=T"],
    ["quotes around its name", '"session"=T'],
    ["quotes around its value", 'session="T"'],
    ["no name", "=session=T"],
    [
      "$Version and quotes that hide it",
      '$Version=1; x="; session=T'.replace("; session=T", ";session=T;") + '"x',
    ],
    ["a comma before it", "a=1, session=T"],
  ])("with %s is exactly what it says (SEC-54)", async (what, header) => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const cookie = header.replace("T", ada.cookie.slice("session=".length));
    const { seen } = await someone().visit(() => session.a, {
      cookie: Buffer.from(cookie).toString("latin1"),
    });
    // Quotes hide nothing: by RFC 6265 the semicolon ends the pair, and what follows is a cookie of its own.
    expect(seen).toBe(what.startsWith("$Version") ? 1 : undefined);
  });

  it("among many others, in any place and with any spacing, is found (SEC-54)", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    for (const cookie of [
      `a=1; ${ada.cookie}`,
      `\t ${ada.cookie} \t;b`,
      `;;=;${ada.cookie};;`,
      `session=; ${ada.cookie}`,
    ])
      expect((await someone().visit(() => session.a, { cookie })).seen).toBe(1);
  });

  it("that was replaced is refused after the grace, told once per use, and ends nothing by default (SEC-25)", async () => {
    const ada = someone({ storeOptions: { rotateAfter: 60, rotationGrace: 30 } });
    await ada.visit(() => (session.owner = "ada"));
    const old = ada.cookie;
    time += 60_000;
    await ada.visit(() => session.owner);
    time += 31_000;
    const told = await heard("reused", async () => {
      const answer = await someone({ storeOptions: { rotateAfter: 60 } }).visit(() => session.owner, {
        cookie: old,
      });
      expect(answer).toMatchObject({ seen: null, cookies: [] });
    });
    expect(told).toEqual([{ selector: old.slice("session=".length).split(".")[0], owner: "ada" }]);
    expect((await ada.visit(() => session.owner)).seen).toBe("ada");
  });
});

describe("a request that is overtaken", () => {
  it("sends no cookie after a logout and a login in the same browser, so the newer cookie stays (SEC-16)", async () => {
    const jar = someone();
    await jar.visit(() => (session.owner = "ada"));
    const { cookie: old } = jar;
    const views: Array<() => unknown> = [
      () => (session.a = 1),
      () => session.regenerate({ keep: true }),
      () => (session.permanent = true),
      () => session.clear(),
      () => session.destroy(),
      () => (session.destroy(), (session.fresh = 1)),
      () => (session.owner = "bob"),
      () => session.flash("late"),
      () => session.transact("n", () => 1),
    ];
    for (const view of views) {
      const first = someone();
      await first.visit(() => (session.owner = "ada"));
      const late = someone();
      const { cookies } = await late
        .visit(
          async () => {
            view();
            await first.visit(() => session.destroy());
            await first.visit(() => (session.owner = "ada"));
          },
          { cookie: first.cookie },
        )
        // A login or a new identity that cannot be kept is an error, whatever lostWrites says.
        .catch((error: unknown) => {
          if (error instanceof SessionLostError) return { cookies: [] };
          throw error;
        });
      expect([String(view), ...cookies]).toEqual([String(view)]);
      expect((await first.visit(() => session.owner)).seen).toBe("ada");
    }
    expect((await someone().visit(() => session.owner, { cookie: old })).seen).toBe("ada");
  });

  it("is told what it lost, and an ending that came second lost nothing (SEC-15, SEC-69)", async () => {
    const lose = (view: () => unknown) =>
      heard("lost", async () => {
        const ada = someone({ storeOptions: { lostWrites: "drop" } });
        await ada.visit(() => (session.a = 1));
        const { cookie } = ada;
        await ada.visit(async () => {
          view();
          await someone().visit(() => session.destroy(), { cookie });
        });
      });
    expect(await lose(() => (session.b = 1))).toHaveLength(1);
    expect(await lose(() => (session.destroy(), (session.b = 1)))).toHaveLength(1);
    expect(await lose(() => session.destroy())).toHaveLength(0);
    expect(await lose(() => session.a)).toHaveLength(0);
  });

  it("leaves a second logout harmless (SEC-69)", async () => {
    const ada = someone();
    await ada.visit(() => (session.a = 1));
    const { cookie } = ada;
    await ada.visit(() => session.destroy());
    const again = await ada.visit(() => session.destroy(), { cookie });
    expect(again.cookies).toEqual([expect.stringContaining("Max-Age=0")]);
    expect(calls.filter(({ verb }) => verb === "remove")).toHaveLength(1);
  });
});

describe("what is not asked of a store", () => {
  it("is anything for 1000 visitors who hold no cookie and only look (SEC-31)", async () => {
    for (let n = 0; n < 1000; n++) {
      const { cookies } = await someone().visit(() => [session.get("a"), session.size, { ...session }]);
      expect(cookies).toEqual([]);
    }
    expect(calls).toEqual([]);
  });

  it("is more than one write for 1000 requests within touchEvery, and for 20 at once (SEC-29)", async () => {
    const ada = someone({ storeOptions: { idleTimeout: 600, touchEvery: 60 } });
    await ada.visit(() => (session.a = 1));
    const [selector = ""] = ada.cookie.slice("session=".length).split(".");
    const seenAt = async () => {
      return (await storedSession(store, selector))?.lastSeenAt;
    };
    const writes: unknown[] = [await seenAt()];
    const note = async () => {
      const at = await seenAt();
      if (at !== writes.at(-1)) writes.push(at);
    };
    for (let request = 0; request < 1000; request++) {
      time += 59;
      await ada.visit(() => session.a);
      await note();
    }
    expect(writes).toHaveLength(1);
    time += 2000;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        await ada.visit(() => session.a);
        time += 1;
        await note();
      }),
    );
    expect(writes).toHaveLength(2);
    time = (writes.at(-1) as number) + 600_000;
    expect((await ada.visit(() => session.a)).seen).toBeUndefined();
  });

  it("is the time of this process: a clock ten minutes off changes no deadline (SEC-33)", async () => {
    for (const skew of [-600_000, 600_000]) {
      const wrong = {
        now: () => time + skew,
        storeOptions: { idleTimeout: 300, absoluteTimeout: 900, touchEvery: 1 },
      };
      const ada = someone(wrong);
      await ada.visit(() => (session.owner = "ada"));
      const began = time;
      for (time = began + 240_000; time < began + 900_000; time += 240_000)
        expect((await ada.visit(() => session.owner)).seen).toBe("ada");
      time = began + 899_000;
      expect((await ada.visit(() => session.owner)).seen).toBe("ada");
      time = began + 900_000;
      expect((await ada.visit(() => session.owner)).seen).toBeNull();
    }
  });
});
