import { createAdaptorServer } from "@hono/node-server";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { listen } from "../adapters/listen.ts";
import { watchedApp } from "../inspector/watching.ts";
import { launchChromium, skipWithoutChromium } from "../support/chromium.ts";

const note = skipWithoutChromium ? " (skipped: there is no chromium)" : "";

describe.skipIf(skipWithoutChromium)(`the inspector in a browser${note}`, () => {
  let browser: Browser;
  let context: BrowserContext;
  let server: Awaited<ReturnType<typeof listen>>;
  let url: string;
  let page: Page;
  /** What the browser has to say against the page, above all of its policy. */
  let complaints: string[];

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    const { app } = watchedApp({ store: memoryStore() });
    server = await listen(createAdaptorServer({ fetch: (request: Request) => app(request) }));
    url = `http://127.0.0.1:${server.port}`;
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
    complaints = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${url}/inspect`);
  });
  afterEach(async () => {
    await context.close();
    await server.close();
  });

  it("shows requests as they come, and keeps open what was opened", async () => {
    await page.waitForSelector("text=No requests yet");
    await fetch(`${url}/set?username=ada`);
    const first = page.locator("#request-1");
    await first.locator("text=added").waitFor();
    await first.locator("summary").click();
    expect(await first.getAttribute("open")).toBeNull();
    await fetch(`${url}/read`);
    await page.locator("#request-2").waitFor();
    expect(await first.getAttribute("open")).toBeNull();
    await page.locator("#request-2 summary").click();
    await fetch(`${url}/read`);
    await page.locator("#request-3").waitFor();
    expect(await page.locator("#request-2").getAttribute("open")).toBe("");
    expect(complaints).toEqual([]);
  });

  it("inspects a pasted cookie, and ends sessions with a click", async () => {
    const answer = await fetch(`${url}/own?owner=ada`);
    await page.fill("textarea", answer.headers.get("Set-Cookie")!);
    await page.getByRole("button", { name: "Inspect" }).click();
    await page.waitForSelector("text=Accepted by this app.");
    await page.goto(`${url}/inspect`);
    await page.fill("#owner", "ada");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByRole("button", { name: /^End session / }).click();
    await page.waitForSelector("text=No live sessions.");
    expect(new URL(page.url()).search).toBe("?owner=ada");
    expect(complaints).toEqual([]);
  });

  it.each([320, 390, 768, 1280])("fits a screen of %d pixels, with long names as well", async (width) => {
    const long = "x".repeat(150);
    await fetch(`${url}/set?${long}=1`);
    await fetch(`${url}/${long}`);
    await page.setViewportSize({ width, height: 800 });
    await page.reload();
    for (const details of await page.locator("details").all())
      await details.evaluate((it) => it.setAttribute("open", ""));
    const wide = await page.evaluate(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    expect(wide).toBe(0);
    expect(complaints).toEqual([]);
  });

  it("works without scripts", async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const reader = await plain.newPage();
    await fetch(`${url}/set?username=ada`);
    await reader.goto(`${url}/inspect`);
    expect(await reader.textContent("#flow")).toContain("added username");
    await plain.close();
  });
});
