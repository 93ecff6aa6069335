import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium, skipWithoutChromium } from "../support/chromium.ts";
import { startShop, type ShopServer } from "../support/shop-server.ts";

const DAY = 86_400;

describe.skipIf(skipWithoutChromium)("the demo shop in a browser", () => {
  let shop: ShopServer;
  let browser: Browser;
  /** What the browser complained about: errors, and violations of the content security policy. */
  let complaints: string[];

  beforeAll(async () => {
    shop = await startShop();
    browser = await launchChromium(["shop.test"]);
  });
  afterAll(async () => {
    await browser?.close();
    await shop?.close();
  });

  beforeEach(() => {
    complaints = [];
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    if (complaints.length > 0) throw new Error(`The browser complained: ${complaints.join("; ")}`);
  });

  /** A new browser profile on the shop's front page. */
  async function visit(options: BrowserContextOptions = {}, url = shop.url): Promise<Page> {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(10_000);
    const page = await context.newPage();
    listen(page);
    await page.goto(url);
    return page;
  }

  function listen(page: Page): void {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
  }

  /** Clicks a button that leads to another page, and waits until it is there. */
  async function press(page: Page, name: string | RegExp): Promise<void> {
    await page.getByRole("button", { name }).click();
    await page.waitForLoadState();
  }

  const be = (page: Page, name: string) => press(page, `我是${name}`);
  const add = (page: Page, good: string) => press(page, `Add ${good} to the cart`);
  const heading = (page: Page) => page.getByRole("heading", { level: 1 }).innerText();
  const sessionCookie = async (page: Page) =>
    (await page.context().cookies()).find(({ name }) => name === "session");

  /** The cart as it is shown: what → how many. */
  async function cart(page: Page): Promise<Record<string, number>> {
    const rows = await page.locator("#cart .lines li").all();
    const entries = rows.map(async (row) => [
      await row.locator(".what").innerText(),
      Number(await row.locator("output").innerText()),
    ]);
    return Object.fromEntries(await Promise.all(entries)) as Record<string, number>;
  }

  /** The newest request in the flow, step by step. */
  async function newestFlow(page: Page): Promise<Record<string, string>> {
    const steps = await page.locator(".request").first().locator(".step").all();
    const entries = steps.map(async (step) => [
      await step.locator("h4").innerText(),
      (await step.locator("> div").innerText()).replaceAll(/\s+/g, " "),
    ]);
    return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
  }

  it("keeps the carts of 张三 and 王二 apart while both shop at the same time", async () => {
    const [zhang, wang] = [await visit(), await visit()];
    await Promise.all([be(zhang, "张三"), be(wang, "王二")]);
    for (let round = 1; round <= 5; round++) {
      await Promise.all([add(zhang, "Tin of tea"), add(wang, "Lantern")]);
      if (round % 2 === 1) await add(wang, "Matches");
      expect(await Promise.all([heading(zhang), heading(wang)])).toEqual([
        expect.stringContaining("Hello, 张三."),
        expect.stringContaining("Hello, 王二."),
      ]);
      expect(await cart(zhang)).toEqual({ "Tin of tea": round });
      expect(await cart(wang)).toEqual({ Lantern: round, Matches: Math.ceil(round / 2) });
    }
    const checkOut = (page: Page) => press(page, /Check out as/);
    await Promise.all([checkOut(zhang), checkOut(wang)]);
    expect(await zhang.locator(".slip").innerText()).toMatch(/Tin of tea\s+× 5\s+¥330[^]*张三/);
    expect(await wang.locator(".slip").innerText()).toMatch(
      /Lantern\s+× 5\s+¥645\s+Matches\s+× 3\s+¥18[^]*王二/,
    );
  });

  it("shows how a session comes to be, and how its cookie is accepted", async () => {
    const page = await visit();
    expect(await sessionCookie(page)).toBeUndefined();
    expect(await newestFlow(page)).toMatchObject({
      "Cookie in": "The browser sent no cookie.",
      openSession: "No cookie, so an empty session.",
      saveSession: "Not modified: no cookie is sent.",
      "Set-Cookie out": "Not sent: the browser keeps its cookie.",
    });

    await be(page, "张三");
    const cookie = await sessionCookie(page);
    expect(cookie).toMatchObject({ httpOnly: true, secure: false, sameSite: "Lax", path: "/", expires: -1 });
    const login = page.locator(".request", { hasText: "/login" });
    expect(await login.locator(".step", { hasText: "The view" }).innerText()).toContain("added username");
    expect(await login.locator(".step", { hasText: "Set-Cookie out" }).innerText()).toMatch(
      /HttpOnly; Path=\/; SameSite=Lax\s+\d+ of 4093 bytes/,
    );

    await page.reload();
    expect(await heading(page)).toContain("Hello, 张三.");
    const flow = await newestFlow(page);
    expect(flow["Cookie in"]).toContain((await sessionCookie(page))!.value);
    expect(flow.openSession).toBe("Accepted. The signature matches; 1 key inside.");
    expect(flow["The view"]).toMatch(/^read username/);
    expect(flow["Set-Cookie out"]).toBe("Not sent: the browser keeps its cookie.");
    expect(await page.locator(".now pre").innerText()).toBe('{\n  "username": "张三"\n}');
  });

  it("believes nothing of a cookie that was tampered with, until the byte is put back", async () => {
    const page = await visit();
    await be(page, "张三");
    await add(page, "Compass");
    await press(page, "Tamper with it");
    expect(await heading(page)).toContain("Hello, stranger.");
    expect(await cart(page)).toEqual({});
    expect((await newestFlow(page)).openSession).toMatch(
      /^Refused: the signature does not match.* bad_signature$/,
    );
    expect(await page.locator(".now .badge").innerText()).toBe("tampered with");
    expect(await page.locator(".now pre").innerText()).not.toContain("张三");

    await press(page, "Put the byte back");
    expect(await heading(page)).toContain("Hello, 张三.");
    expect(await cart(page)).toEqual({ Compass: 1 });
  });

  it("orders once, whatever the back button brings back", async () => {
    const page = await visit();
    await be(page, "王二");
    await add(page, "Hip flask");
    const before = shop.till.size;
    await page.getByRole("button", { name: /Check out as/ }).dblclick();
    await page.waitForURL("**/receipt");
    expect(shop.till.size).toBe(before + 1);

    await page.goBack();
    await expect.poll(() => cart(page)).toEqual({});
    await page.goForward();
    expect(await heading(page)).toContain("Thank you, 王二.");
    await page.reload();
    expect(shop.till.size).toBe(before + 1);
  });

  it("shows a stranger after logout, also with the back button", async () => {
    const page = await visit();
    await be(page, "张三");
    await add(page, "Notebook");
    await press(page, "Log out");
    expect(await heading(page)).toContain("Hello, stranger.");
    expect(await sessionCookie(page)).toBeUndefined();
    await page.goBack();
    await expect.poll(() => heading(page)).toContain("Hello, stranger.");
    expect(await cart(page)).toEqual({});
  });

  it("remembers who wants it for 31 days", async () => {
    const page = await visit();
    await page.getByLabel("Remember me for 31 days").check();
    await be(page, "张三");
    const { expires } = (await sessionCookie(page))!;
    expect(Math.abs(expires - Date.now() / 1000 - 31 * DAY)).toBeLessThan(60);
    await page.reload();
    expect((await newestFlow(page)).saveSession).toMatch(/^Not modified, but permanent/);
  });

  it("takes a name from the keyboard, and the way past the header with it", async () => {
    const page = await visit();
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").innerText()).toBe("Skip to the shop");
    await page.getByLabel("Your name").fill("Ada <b>");
    await page.keyboard.press("Enter");
    await expect.poll(() => heading(page)).toContain("Hello, Ada <b>.");
  });

  it("changes quantities, down to nothing", async () => {
    const page = await visit();
    await add(page, "Enamel mug");
    await press(page, "One Enamel mug more");
    expect(await cart(page)).toEqual({ "Enamel mug": 2 });
    await press(page, "One Enamel mug less");
    await press(page, "One Enamel mug less");
    expect(await cart(page)).toEqual({});
    expect(await sessionCookie(page)).toBeUndefined();
  });

  it("follows in one tab what the same browser does in another", async () => {
    const page = await visit();
    const other = await page.context().newPage();
    listen(other);
    await other.goto(shop.url);
    await be(other, "张三");
    // The stream rests while a tab is hidden; headless tabs are all visible.
    await expect.poll(() => page.locator(".requests").innerText()).toContain("/login");
    expect(await page.locator(".now pre").innerText()).toContain("张三");
    expect(await heading(page)).toContain("Hello, stranger.");
  });

  it("works without scripts, the flow included", async () => {
    const page = await visit({ javaScriptEnabled: false });
    await be(page, "王二");
    await add(page, "Matches");
    expect(await cart(page)).toEqual({ Matches: 1 });
    expect((await newestFlow(page)).openSession).toMatch(/^Accepted/);
    await press(page, "Tamper with it");
    expect((await newestFlow(page)).openSession).toMatch(/^Refused/);
  });

  it("works over plain HTTP under a name that browsers do not trust", async () => {
    const page = await visit({}, shop.url.replace("127.0.0.1", "shop.test"));
    expect(await page.evaluate("isSecureContext")).toBe(false);
    await be(page, "张三");
    await add(page, "Wool blanket");
    expect(await cart(page)).toEqual({ "Wool blanket": 1 });
  });

  it.each([320, 390, 768, 1024, 1440])("fits a screen of %i pixels, however long the name", async (width) => {
    const page = await visit({ viewport: { width, height: 800 }, isMobile: width < 500 });
    const overflow = async () => Number(await page.evaluate("document.documentElement.scrollWidth")) - width;
    expect(await overflow()).toBe(0);
    await page.getByLabel("Your name").fill("W".repeat(40));
    await press(page, "Log in");
    expect(await overflow()).toBe(0);
    await add(page, "Tin of tea");
    await add(page, "Wool blanket");
    for (const summary of await page.locator(".request[open] .apart > summary").all()) await summary.click();
    expect(await overflow()).toBe(0);
    await press(page, /Check out as/);
    expect(await overflow()).toBe(0);
  });
});
