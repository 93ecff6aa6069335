import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/node.ts";
import { session, type SessionOptions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { listen } from "../adapters/listen.ts";
import { oldApps, peers, type OldApp } from "./old-apps.ts";

const running: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

/** A browser that keeps cookies until they are expired, and closes at will. */
class Browser {
  readonly cookies = new Map<string, { readonly value: string; readonly lasts: boolean }>();

  async get(origin: string, path = "/"): Promise<{ body: string; lines: string[] }> {
    const Cookie = [...this.cookies].map(([name, { value }]) => `${name}=${value}`).join("; ");
    const response = await fetch(origin + path, { headers: Cookie === "" ? {} : { Cookie } });
    const lines = response.headers.getSetCookie();
    for (const line of lines) this.#keep(line);
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}.`);
    return { body: await response.text(), lines };
  }

  /** Cookies without an expiry end with the window. */
  closeWindow(): void {
    for (const [name, { lasts }] of this.cookies) if (!lasts) this.cookies.delete(name);
  }

  #keep(line: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/; *Max-Age=0/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, { value, lasts: /; *(?:Max-Age|Expires)=/i.test(line) });
  }
}

async function start(server: OldApp["server"]): Promise<string> {
  const listening = await listen(server);
  running.push(listening);
  return `http://127.0.0.1:${listening.port}`;
}

function newApp(options: SessionOptions): Promise<string> {
  const withSession = sessions({
    secretKey: "new",
    ...options,
    storeOptions: { sweepEvery: 0, ...options.storeOptions },
  });
  const handler = withSession((req, res) => {
    if (req.url === "/logout") session.destroy();
    res.end(JSON.stringify(session.toJSON()));
  });
  return start(createServer(handler));
}

describe.skipIf(peers.skip).each(Object.entries(oldApps))(`moving from %s${peers.note}`, (_, open) => {
  it.each([
    ["a cookie", () => ({})],
    ["a store", () => ({ store: memoryStore() })],
  ])("to sessions in %s keeps visitors logged in", async (__, home) => {
    const old = await open();
    const browser = new Browser();
    await browser.get(await start(old.server));
    const before = [...browser.cookies.keys()];
    expect(before.length).toBeGreaterThan(0);

    const app = await newApp({ cookieName: "ours", accepts: [old.reader], ...home() });
    const first = await browser.get(app);
    expect(JSON.parse(first.body)).toMatchObject(old.data);
    expect(first.lines.map((line) => line.split("=")[0])).toEqual(["ours", ...before]);
    expect([...browser.cookies.keys()]).toEqual(["ours"]);
    expect(old.reader.opened).toBe(1);

    const second = await browser.get(app);
    expect(JSON.parse(second.body)).toMatchObject(old.data);
    expect(second.lines.filter((line) => !line.startsWith("ours="))).toEqual([]);
    expect(old.reader.opened).toBe(1);

    browser.closeWindow();
    expect(browser.cookies.size).toBe(old.permanent ? 1 : 0);
    await browser.get(app, "/logout");
    expect((await browser.get(app)).body).toBe("{}");
  });

  it("takes over a cookie of the very name that ours has", async () => {
    const old = await open();
    const browser = new Browser();
    await browser.get(await start(old.server));
    const app = await newApp({ cookieName: old.reader.cookieName, accepts: [old.reader] });
    expect(JSON.parse((await browser.get(app)).body)).toMatchObject(old.data);
    expect([...browser.cookies.keys()]).toEqual([old.reader.cookieName]);
    expect(JSON.parse((await browser.get(app)).body)).toMatchObject(old.data);
    expect(old.reader.opened).toBe(1);
  });

  it("refuses strangers and forgers", async () => {
    const old = await open();
    const app = await newApp({ cookieName: "ours", accepts: [old.reader] });
    const forger = new Browser();
    expect(await forger.get(app)).toEqual({ body: "{}", lines: [] });
    await forger.get(await start(old.server));
    for (const [name, { value }] of forger.cookies) {
      forger.cookies.set(name, { value: (value.startsWith("A") ? "B" : "A") + value.slice(1), lasts: false });
    }
    expect(await forger.get(app)).toEqual({ body: "{}", lines: [] });
    expect(old.reader.opened).toBe(0);
  });
});
