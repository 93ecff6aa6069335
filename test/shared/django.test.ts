import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { djangoSessions } from "../../src/django.ts";
import { DjangoTable } from "../../src/stores/django/table.ts";
import { pythonServer, type PythonServer } from "../support/python.ts";
import { serve } from "./app.ts";
import { Browser } from "./browser.ts";
import { djangoEngines, type OpenedDatabase } from "./django-databases.ts";
import { rounds } from "./rounds.ts";

const secretKey = "django-insecure-shared-by-both";
// What a busy machine takes longer for is no fault.
const options = { secretKey, storeTimeout: 20 };
const script = join(import.meta.dirname, "django_app.py");

describe.each(djangoEngines)("djangoSessions beside a live Django on $name", ({ skip, python, open }) => {
  describe.skipIf(skip)("one row for both", () => {
    let shared: OpenedDatabase;
    let django: PythonServer;
    let ours: Awaited<ReturnType<typeof serve>>;
    const at = (path: string) => `http://127.0.0.1:${ours.port}${path}`;
    const put = (data: unknown) => `/put?json=${encodeURIComponent(JSON.stringify(data))}`;

    beforeAll(async () => {
      shared = await open();
      django = await pythonServer(python!, script, JSON.stringify(shared.settings), secretKey, "migrate");
      ours = await serve({ sessionInterface: djangoSessions(shared.database, options) });
    });
    afterAll(async () => {
      await ours?.close();
      await django?.stop();
      await shared?.close();
    });

    it("knows on one side who logged in on the other, and keeps what Django keeps there", async () => {
      const browser = new Browser();
      await browser.get(`${django.url}/login`);
      const key = browser.cookie;
      const { data } = (await browser.get(at("/show"))).json as { data: Record<string, unknown> };
      expect(data).toMatchObject({ _auth_user_id: "1" });
      expect(Object.keys(data)).toEqual(["_auth_user_id", "_auth_user_backend", "_auth_user_hash"]);

      await browser.get(at(put({ cart: ["tea"], theme: "dark" })));
      expect(browser.cookie).toBe(key);
      expect((await browser.get(`${django.url}/show`)).json).toMatchObject({
        user: "ada",
        data: { cart: ["tea"], theme: "dark" },
      });
    });

    it("brings every type of Django's back unharmed, whatever else is written here", async () => {
      const browser = new Browser();
      const values = `{"whole": 1, "float": 1.0, "big": 123456789012345678901234567890, "tiny": -0.0, "text": "çé 鍵 🍶",
        "none": null, "nested": {" t": [1, 2.0], "z": 1, "a": [true]}, "list": [1.5, 2.0, 3], "": "empty", "exp": 1e22}`;
      await browser.get(`${django.url}/put?json=${encodeURIComponent(values)}`);
      const before = (await browser.get(`${django.url}/types`)).json;
      const shown = (await browser.get(`${django.url}/show`)).json as { data: object };
      await browser.get(at(put({ added: "here" })));
      await browser.get(at("/cycle"));
      expect((await browser.get(`${django.url}/types`)).json).toEqual({
        ...(before as object),
        added: "str",
      });
      expect((await browser.get(`${django.url}/show`)).json).toEqual({
        user: null,
        data: { ...shown.data, added: "here" },
      });
    });

    it("begins a session here that Django goes on with", async () => {
      const browser = new Browser();
      const { cookies } = await browser.get(at(put({ a: 1 })));
      expect(cookies).toHaveLength(1);
      expect(cookies[0]).toMatch(
        /^sessionid=[a-z0-9]{32}; expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT; HttpOnly; Max-Age=1209600; Path=\/; SameSite=Lax$/,
      );
      await browser.get(`${django.url}${put({ b: 2 })}`);
      expect((await browser.get(at("/show"))).json).toMatchObject({ data: { a: 1, b: 2 } });
      const { left, key } = (await browser.get(`${django.url}/facts`)).json as { left: number; key: string };
      expect(browser.cookie).toBe(`sessionid=${key}`);
      expect(Math.abs(left - 1_209_600)).toBeLessThan(60);
    });

    it("ends it for both at a logout of either", async () => {
      for (const logout of [`${django.url}/logout`, at("/logout")]) {
        const browser = new Browser();
        await browser.get(`${django.url}/login`);
        await browser.get(at(put({ a: 1 })));
        const stolen = browser.cookie;
        await browser.get(logout);
        expect(browser.cookie).toBe("");
        for (const show of [`${django.url}/show`, at("/show")]) {
          browser.cookie = stolen;
          expect((await browser.get(show)).json).toMatchObject({ data: {} });
        }
      }
    });

    it("moves all data to a new key at login, and the old key is dead on both sides", async () => {
      const browser = new Browser();
      await browser.get(at(put({ cart: [1] })));
      const planted = browser.cookie;
      await browser.get(at("/cycle"));
      expect(browser.cookie).not.toBe(planted);
      expect((await browser.get(`${django.url}/show`)).json).toMatchObject({ data: { cart: [1] } });
      browser.cookie = planted;
      expect((await browser.get(`${django.url}/show`)).json).toEqual({ user: null, data: {} });
      browser.cookie = planted;
      expect((await browser.get(at("/show"))).json).toEqual({ data: {} });
    });

    it("never adopts a key that it does not know", async () => {
      const browser = new Browser();
      browser.cookie = `sessionid=${"a".repeat(32)}`;
      await browser.get(at(put({ a: 1 })));
      expect(browser.cookie).toMatch(/^sessionid=[a-z0-9]{32}$/);
      expect(browser.cookie).not.toContain("aaaaaaaa");
      // Databases that fold case must not find a key by another spelling either.
      browser.cookie = browser.cookie.replace(/=.*/, (value) => value.toUpperCase());
      expect((await browser.get(at("/show"))).json).toEqual({ data: {} });
    });

    it("honours what set_expiry said there", async () => {
      const browser = new Browser();
      await browser.get(`${django.url}/expire?seconds=300`);
      const { cookies } = await browser.get(at(put({ a: 1 })));
      expect(cookies[0]).toContain("; Max-Age=300; ");
      const facts = (await browser.get(`${django.url}/facts`)).json as { left: number };
      expect(Math.abs(facts.left - 300)).toBeLessThan(60);
      await browser.get(`${django.url}/expire?seconds=0`);
      expect((await browser.get(at(put({ a: 2 })))).cookies[0]).not.toMatch(/expires|max-age/i);
    });

    it("does not bring a session back that was logged out while Django was working on it", async () => {
      const browser = new Browser();
      await browser.get(at(put({ slow: 1 })));
      const slow = new Browser();
      slow.cookie = browser.cookie;
      const answer = slow.get(`${django.url}/slow`);
      expect((await browser.get(`${django.url}/wait`)).json).toEqual({ reached: true });
      await browser.get(at("/logout"));
      await new Browser().get(`${django.url}/go`);
      // Django's SessionInterrupted, a Bad Request.
      expect((await answer).status).toBe(400);
      const { json } = await slow.get(at("/show"));
      expect(json).toEqual({ data: {} });
    });

    it("does not bring a session back that Django ended while we were working on it", async () => {
      const { manager } = ours;
      const browser = new Browser();
      await browser.get(`${django.url}/login`);
      const request = { headers: new Headers({ cookie: browser.cookie }) };
      const context = manager.requestContext(request);
      await context.opening;
      context.session.late = true;
      const stolen = browser.cookie;
      await browser.get(`${django.url}/logout`);
      const headers = new Headers();
      await context.save({ headers });
      expect(headers.getSetCookie()).toEqual([]);
      browser.cookie = stolen;
      expect((await browser.get(`${django.url}/show`)).json).toEqual({ user: null, data: {} });
    });

    it("loses no write of parallel requests", async () => {
      const lost: string[] = [];
      await rounds(200, async (round) => {
        const browser = new Browser();
        await browser.get(at(put({ round })));
        const { cookie } = browser;
        const parallel = Array.from({ length: 8 }, async (_, n) => {
          const other = new Browser();
          other.cookie = cookie;
          await other.get(at(put({ [`key${n}`]: n })));
          await other.get(at("/count"));
        });
        await Promise.all(parallel);
        const { data } = (await browser.get(at("/show"))).json as { data: Record<string, unknown> };
        for (let n = 0; n < 8; n++) if (data[`key${n}`] !== n) lost.push(`key${n} of round ${round}`);
        if (data.count !== 8) lost.push(`${8 - Number(data.count)} counts of round ${round}`);
      });
      expect(lost).toEqual([]);
    });

    it("compares rows letter for letter, whatever the collation", async () => {
      const table = new DjangoTable(shared.database, {
        table: "django_session",
        timeZone: "UTC",
        now: Date.now,
      });
      const [key, other] = ["abc0".repeat(8), "xyz9".repeat(8)];
      const write = (text: string, lifetime = 60) => ({ text, commit: text, lifetime });
      const conflict = (text: string) => ({ status: "conflict", current: { text, commit: text } });
      expect(await table.insert(key, write("AbC:x"))).toBe(true);
      expect(await table.insert(key, write("late"))).toBe(false);
      expect(await table.replace(key, "aBc:X", write("next"))).toEqual(conflict("AbC:x"));
      expect(await table.replace(key, "AbC:x", write("next"))).toEqual({ status: "ok" });
      expect(await table.replace(key, "next", write("next"))).toEqual({ status: "ok" });
      expect(await table.remove(key, "Next")).toEqual(conflict("next"));
      expect(await table.remove(key, "next")).toEqual({ status: "ok" });
      expect(await table.remove(key, "next")).toEqual({ status: "gone" });
      expect(await table.insert(other, write("short", -1))).toBe(true);
      expect(await table.read(other)).toBeUndefined();
      expect(await table.replace(other, "short", write("next"))).toEqual({ status: "gone" });
      expect(await table.insert(other, write("in place of what has expired"))).toBe(true);
      expect(await table.read(other)).toMatchObject({ text: "in place of what has expired" });
      expect([await table.remove(other), await table.remove(other)]).toEqual([
        { status: "ok" },
        { status: "gone" },
      ]);
      await table.close();
    });

    it("revives nothing in races of logout and write", async () => {
      const revived: number[] = [];
      await rounds(200, async (round) => {
        const browser = new Browser();
        await browser.get(at(put({ round })));
        const { cookie } = browser;
        const go = (path: string) => {
          const other = new Browser();
          other.cookie = cookie;
          return other.get(at(path));
        };
        await Promise.all([go(put({ a: 1 })), go("/logout"), go("/cycle"), go(put({ b: 1 }))]);
        browser.cookie = cookie;
        const { json } = await browser.get(at("/show"));
        if (Object.keys((json as { data: object }).data).length > 0) revived.push(round);
      });
      expect(revived).toEqual([]);
    });

    it("leaves rows that Django's clearsessions takes for what they are", async () => {
      const browser = new Browser();
      await browser.get(at(put({ a: 1, _session_expiry: -60 })));
      const gone = browser.cookie;
      await browser.get(at(put({ b: 1 })));
      const before = (await browser.get(`${django.url}/facts`)).json as { rows: number };
      const after = (await browser.get(`${django.url}/clear`)).json as { rows: number };
      expect(after.rows).toBe(before.rows - 1);
      expect(browser.cookie).not.toBe(gone);
    });
  });

  it.skipIf(skip)("keeps the time that Django keeps, also where USE_TZ is off", async () => {
    const shared = await open();
    const args = [JSON.stringify(shared.settings), secretKey, "migrate", "no-tz"];
    const django = await pythonServer(python!, script, ...args);
    const sessionInterface = djangoSessions(shared.database, { ...options, timeZone: "Asia/Tokyo" });
    const ours = await serve({ sessionInterface });
    try {
      const browser = new Browser();
      const put = `/put?json=${encodeURIComponent('{"a":1,"_session_expiry":600}')}`;
      await browser.get(`http://127.0.0.1:${ours.port}${put}`);
      const { left } = (await browser.get(`${django.url}/facts`)).json as { left: number };
      expect(Math.abs(left - 600)).toBeLessThan(60);
      await browser.get(`${django.url}${put}`);
      const answer = await browser.get(`http://127.0.0.1:${ours.port}/show`);
      expect(answer.json).toMatchObject({ data: { a: 1 } });
    } finally {
      await ours.close();
      await django.stop();
      await shared.close();
    }
  });
});
