import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flaskSessionRedis, type FlaskSessionRedisOptions } from "../../src/flask-session.ts";
import { reachable } from "../services/service.ts";
import { pythonServer, pythonThat, type PythonServer } from "../support/python.ts";
import { serve } from "./app.ts";
import { Browser } from "./browser.ts";
import { rounds } from "./rounds.ts";

const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const service = await reachable("Redis", "REDIS_URL", url);
const python =
  pythonThat("import flask, flask_session, msgspec, redis") ?? pythonThat("import flask, msgpack, redis");
const skip = service.skip || (python === undefined && !process.env.CI);
const note = python === undefined ? " (skipped: no python3 with Flask, redis and msgpack)" : service.note;

type Setup = readonly [name: string, ours: FlaskSessionRedisOptions, theirs: Record<string, unknown>];
const setups: readonly Setup[] = [
  ["MessagePack", {}, {}],
  ["JSON", { format: "json" }, { SESSION_SERIALIZATION_FORMAT: "json" }],
  ["MessagePack here and JSON there", {}, { SESSION_SERIALIZATION_FORMAT: "json" }],
  ["signed ids", { useSigner: true, secretKey: "the secret of the Flask app" }, { SESSION_USE_SIGNER: true }],
];

describe.skipIf(skip)(`flaskSessionRedis beside a live Flask${note}`, () => {
  const redis = skip ? undefined! : new Redis(url);
  const nodeRedis = createClient({ url });
  beforeAll(async () => void (await nodeRedis.connect()));
  afterAll(async () => {
    await nodeRedis.close();
    await redis.quit();
  });

  describe.each(setups)("with %s", (name, options, config) => {
    let flask: PythonServer;
    let ours: Awaited<ReturnType<typeof serve>>;
    const at = (path: string) => `http://127.0.0.1:${ours.port}${path}`;
    const put = (data: unknown) => `/put?json=${encodeURIComponent(JSON.stringify(data))}`;
    const reprs = async (browser: Browser) =>
      ((await browser.get(`${flask.url}/show`)).json as { data: Record<string, string> }).data;

    beforeAll(async () => {
      flask = await pythonServer(
        python!,
        join(import.meta.dirname, "flask_session_app.py"),
        JSON.stringify({ REDIS: url, ...config }),
      );
      // Both clients take part.
      const client = name === "JSON" ? nodeRedis : redis;
      ours = await serve({ sessionInterface: flaskSessionRedis(client, options) });
    });
    afterAll(async () => {
      await ours?.close();
      await flask?.stop();
    });

    it("reads and writes one record from both sides", async () => {
      const browser = new Browser();
      await browser.get(`${flask.url}${put({ user: "ada", n: 1 })}`);
      const { cookie } = browser;
      expect((await browser.get(at("/show"))).json).toMatchObject({
        data: { user: "ada", n: 1, _permanent: true },
      });
      await browser.get(at(put({ cart: ["tea"], text: "çé 鍵 🍶" })));
      expect(browser.cookie).toBe(cookie);
      expect(await reprs(browser)).toEqual({
        _permanent: "True",
        user: "'ada'",
        n: "1",
        cart: "['tea']",
        text: "'çé 鍵 🍶'",
      });
    });

    it("begins a session that Flask goes on with", async () => {
      const browser = new Browser();
      const { cookies } = await browser.get(at(put({ whole: 1, big: 2 ** 52, deep: { a: [{}] }, no: null })));
      expect(cookies[0]).toMatch(/^session=[\w-]{43}(\.[\w-]{27})?; Expires=[^;]+ GMT; HttpOnly; Path=\/$/);
      expect(await reprs(browser)).toMatchObject({
        whole: "1",
        big: "4503599627370496",
        deep: "{'a': [{}]}",
        no: "None",
        _permanent: "True",
      });
    });

    it("keeps ints and floats apart", async () => {
      const browser = new Browser();
      const values = '{"int": 1, "float": 1.0, "minus": -0.0, "list": [2.0, 2, {"x": 3.0}], "small": 0.1}';
      await browser.get(`${flask.url}/put?json=${encodeURIComponent(values)}`);
      const before = await reprs(browser);
      // What is changed is written anew, not passed through.
      await browser.get(at("/push?key=list&json=4"));
      expect(await reprs(browser)).toEqual({ ...before, list: "[2.0, 2, {'x': 3.0}, 4]" });
    });

    it("ends it for both at a logout of either", async () => {
      for (const logout of [() => `${flask.url}/logout`, () => at("/logout")]) {
        const browser = new Browser();
        await browser.get(`${flask.url}${put({ user: "ada" })}`);
        await browser.get(at(put({ a: 1 })));
        const stolen = browser.cookie;
        await browser.get(logout());
        expect(browser.cookie).toBe("");
        browser.cookie = stolen;
        expect((await browser.get(at("/show"))).json).toEqual({ data: { _permanent: true } });
        browser.cookie = stolen;
        expect(await reprs(browser)).toEqual({ _permanent: "True" });
      }
    });

    it("gets a new id at a login of either, which invalidates the old one", async () => {
      for (const move of [() => `${flask.url}/regenerate`, () => at("/cycle")]) {
        const browser = new Browser();
        await browser.get(at(put({ cart: [1] })));
        const planted = browser.cookie;
        await browser.get(move());
        expect(browser.cookie).not.toBe(planted);
        expect(await reprs(browser)).toMatchObject({ cart: "[1]" });
        expect((await browser.get(at("/show"))).json).toMatchObject({ data: { cart: [1] } });
        browser.cookie = planted;
        expect((await browser.get(at("/show"))).json).toEqual({ data: { _permanent: true } });
      }
    });

    it("never adopts an id that it does not know", async () => {
      const browser = new Browser();
      browser.cookie = `session=${"a".repeat(43)}`;
      await browser.get(at(put({ a: 1 })));
      expect(browser.cookie).toMatch(/^session=[\w-]{43}/);
      expect(browser.cookie).not.toContain("aaaaaaaa");
    });
  });

  it("brings bytes, moments and 64 bits back as Python left them, whatever else is written", async () => {
    const flask = await pythonServer(
      python!,
      join(import.meta.dirname, "flask_session_app.py"),
      JSON.stringify({ REDIS: url }),
    );
    const ours = await serve({ sessionInterface: flaskSessionRedis(redis) });
    try {
      const browser = new Browser();
      await browser.get(`${flask.url}/types`);
      const show = async () => ((await browser.get(`${flask.url}/show`)).json as { data: object }).data;
      const before = await show();
      await browser.get(`http://127.0.0.1:${ours.port}/put?json={"a":1}`);
      await browser.get(`http://127.0.0.1:${ours.port}/cycle`);
      expect(await show()).toEqual({ ...before, a: "1" });
    } finally {
      await ours.close();
      await flask.stop();
    }
  });

  it("reads a dict with keys of any type, and changes inside leave the others as they were", async () => {
    const flask = await pythonServer(
      python!,
      join(import.meta.dirname, "flask_session_app.py"),
      JSON.stringify({ REDIS: url }),
    );
    const ours = await serve({ sessionInterface: flaskSessionRedis(redis) });
    try {
      const browser = new Browser();
      await browser.get(`${flask.url}/odd-keys`);
      const { cookie } = browser;
      const show = async () => ((await browser.get(`${flask.url}/show`)).json as { data: object }).data;
      const seen = (await browser.get(`http://127.0.0.1:${ours.port}/show`)).json as { data: object };
      expect(seen.data).toMatchObject({
        odd: { null: "none", "2": "two", true: 1, "1.5": [], deep: [{ null: 1, list: [1] }] },
        "7": "seven",
      });
      const push = (key: string, json: string) =>
        browser.get(`http://127.0.0.1:${ours.port}/push?key=${key}&json=${json}`);
      await push("odd.deep", '{"new":1}');
      await push("odd.deep.0.list", "2");
      expect(await show()).toMatchObject({
        odd: "{2: 'two', None: 'none', True: 1, 1.5: [], 'deep': [{None: 1, 'list': [1, 2]}, {'new': 1}]}",
        "7": "'seven'",
      });
      expect(browser.cookie).toBe(cookie);
    } finally {
      await ours.close();
      await flask.stop();
    }
  });

  it("loses no write of parallel requests, and revives nothing", async () => {
    const ours = await serve({ sessionInterface: flaskSessionRedis(redis, { storeTimeout: 20 }) });
    const at = (path: string) => `http://127.0.0.1:${ours.port}${path}`;
    const faults: string[] = [];
    try {
      await rounds(200, async (round) => {
        const first = new Browser();
        await first.get(at(`/put?json={"round":${round}}`));
        const go = (path: string) => {
          const browser = new Browser();
          browser.cookie = first.cookie;
          return browser.get(at(path));
        };
        const parallel = Array.from({ length: 8 }, async (_, n) => {
          await go(`/put?json={"key${n}":${n}}`);
          await go("/count");
          await go(`/flash?message=${n}`);
        });
        await Promise.all(parallel);
        const { data } = (await first.get(at("/show"))).json as { data: Record<string, unknown> };
        for (let n = 0; n < 8; n++) if (data[`key${n}`] !== n) faults.push(`round ${round}: key${n} lost`);
        if (data.count !== 8) faults.push(`round ${round}: counted ${data.count}`);
        const messages = (data._flashes as [string, string][]).map(([, message]) => message);
        if (messages.toSorted().join("") !== "01234567") faults.push(`round ${round}: messages ${messages}`);
        await Promise.all([go('/put?json={"late":1}'), go("/logout"), go("/cycle"), go("/show")]);
        const { json } = await go("/show");
        if ("round" in (json as { data: object }).data) faults.push(`round ${round}: revived`);
      });
    } finally {
      await ours.close();
    }
    expect(faults).toEqual([]);
  });
});
