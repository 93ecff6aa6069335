import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";
import type { Store } from "../../src/stores/parts/store.ts";
import { launchChromium, skipWithoutChromium } from "../support/chromium.ts";
import { startShop, type ShopServer } from "../support/shop-server.ts";

/** A store whose next write waits until it is let through. */
class Gate {
  readonly store: Store;
  /** Writes that have come to a closed gate. */
  waiting = 0;
  #closed: Promise<void> | undefined;

  constructor(inner: Store) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== "function") return value;
        return async (...args: unknown[]) => {
          const closed = name === "replace" ? this.#closed : undefined;
          if (closed !== undefined) {
            this.#closed = undefined;
            this.waiting++;
            await closed;
          }
          return (value as (...given: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  }

  /** @returns lets the write through */
  close(): () => void {
    let open = (): void => {};
    this.#closed = new Promise((resolve) => (open = resolve));
    return open;
  }
}

const folders: string[] = [];
const stores: [name: string, open: () => Promise<Store>][] = [
  ["memory", async () => memoryStore()],
  [
    "SQLite",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "hipflask-shop-"));
      folders.push(folder);
      return sqliteStore(join(folder, "shop.db"));
    },
  ],
];

describe.skipIf(skipWithoutChromium).each(stores)("the demo shop on %s, in a browser", (_, open) => {
  let gate: Gate;
  let shop: ShopServer;
  let browser: Browser;

  beforeAll(async () => {
    gate = new Gate(await open());
    shop = await startShop(gate.store);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await shop?.close();
    await gate?.store.close?.();
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });

  async function visit(): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(shop.url);
    return page;
  }

  async function press(page: Page, name: string | RegExp): Promise<void> {
    await page.getByRole("button", { name }).first().click();
    await page.waitForLoadState();
  }

  const heading = (page: Page) => page.getByRole("heading", { level: 1 }).innerText();
  const cookie = async (page: Page) =>
    (await page.context().cookies()).find(({ name }) => name === "session")?.value ?? "";

  it("keeps two people who shop at once apart, with a token in the cookie and nothing else", async () => {
    const [zhang, wang] = [await visit(), await visit()];
    await Promise.all([press(zhang, "我是张三"), press(wang, "我是王二")]);
    for (let round = 0; round < 3; round++) {
      await Promise.all([press(zhang, /^Add Tin of tea/), press(wang, /^Add Compass/)]);
    }
    expect(await heading(zhang)).toContain("张三");
    expect(await heading(wang)).toContain("王二");
    expect(await zhang.locator("#cart .lines .what").allInnerTexts()).toEqual(["Tin of tea"]);
    expect(await wang.locator("#cart .lines .what").allInnerTexts()).toEqual(["Compass"]);
    expect(await cookie(zhang)).toMatch(/^[\w-]{16}\.[\w-]{43}$/);
  });

  it("shows what the store was asked, and never the secret half of the token", async () => {
    const page = await visit();
    await press(page, "我是张三");
    await press(page, /^Add Tin of tea/);
    const flow = await page.locator("#flow").innerText();
    expect(flow).toMatch(/store\.read.*→ ok/s);
    expect(flow).toMatch(/store\.replace[^→]*session[^→]*→ ok/s);
    const [selector, verifier] = (await cookie(page)).split(".");
    expect(flow).toContain(selector);
    expect(await page.content()).not.toContain(verifier);
  });

  it("moves on to another token at login: the one before is worth nothing", async () => {
    const page = await visit();
    await press(page, /^Add Tin of tea/);
    const before = await cookie(page);
    await press(page, "我是张三");
    expect(await cookie(page)).not.toBe(before);
    const thief = await visit();
    await thief.context().addCookies([{ name: "session", value: before, url: shop.url }]);
    await thief.reload();
    expect(await heading(thief)).toContain("stranger");
    expect(await page.locator("#cart .lines .what").allInnerTexts()).toEqual(["Tin of tea"]);
  });

  it("refuses a token that was tampered with", async () => {
    const page = await visit();
    await press(page, "我是张三");
    await press(page, "Tamper with it");
    expect(await heading(page)).toContain("stranger");
    expect(await page.locator(".now .badge").innerText()).toBe("tampered with");
    await press(page, "Put the byte back");
    expect(await heading(page)).toContain("张三");
  });

  it("lets a logout in one tab beat a slow request in another", async () => {
    const one = await visit();
    await press(one, "我是张三");
    const two = await one.context().newPage();
    await two.goto(shop.url);
    const letThrough = gate.close();
    const slow = press(two, /^Add Tin of tea/);
    await expect.poll(() => gate.waiting).toBe(1);
    await press(one, "Log out");
    expect(await heading(one)).toContain("stranger");
    letThrough();
    await slow;
    await two.waitForLoadState("networkidle").catch(() => {});
    for (const page of [one, two]) {
      await page.goto(shop.url);
      expect(await heading(page)).toContain("stranger");
      expect(await page.locator(".masthead .count").innerText()).toBe("0");
    }
  });

  it("lists one's devices, and logs them out one by one or all at once", async () => {
    const [desk, phone, tablet] = [await visit(), await visit(), await visit()];
    for (const page of [desk, phone, tablet]) await press(page, "我是王二");
    await desk.goto(`${shop.url}/devices`);
    const devices = desk.locator(".device");
    const before = await devices.count();
    expect(before).toBeGreaterThanOrEqual(3);
    expect(await devices.filter({ hasText: "this one" }).count()).toBe(1);
    expect(await desk.locator("#flow").innerText()).toMatch(/store\.readMany[^→]*→ \d+ of them/);
    const other = (await cookie(phone)).split(".")[0]!;
    await devices.filter({ hasText: other }).getByRole("button").click();
    await desk.waitForLoadState();
    expect(await devices.count()).toBe(before - 1);
    await phone.reload();
    expect(await heading(phone)).toContain("stranger");
    await tablet.reload();
    expect(await heading(tablet)).toContain("王二");
    await press(desk, "Log out everywhere else");
    await tablet.reload();
    expect(await heading(tablet)).toContain("stranger");
    await desk.goto(shop.url);
    expect(await heading(desk)).toContain("王二");
  });
});
