import { createServer } from "node:http";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contents } from "../../site/contents.ts";
import { listen } from "../adapters/listen.ts";
import { launchChromium, skipWithoutChromium } from "../support/chromium.ts";

const dist = join(import.meta.dirname, "../../site/dist");
const isMissing = !existsSync(join(dist, "index.html")) && !process.env["CI"];
const note = skipWithoutChromium
  ? " (skipped: there is no chromium)"
  : isMissing
    ? " (skipped: the site is not built; npm run site)"
    : "";
const types: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".md": "text/markdown; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** Serves the built site as a static host does: a path without an ending is an HTML file. */
async function answer(
  path: string,
): Promise<{ readonly status: number; readonly type: string; body: Buffer }> {
  const file = path.endsWith("/") ? `${path}index.html` : extname(path) === "" ? `${path}.html` : path;
  try {
    return { status: 200, type: types[extname(file)] ?? "", body: await readFile(join(dist, file)) };
  } catch {
    return { status: 404, type: "text/plain", body: Buffer.from("not found") };
  }
}

describe.skipIf(skipWithoutChromium || isMissing)(`the site${note}`, () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof listen>>;
  let url: string;

  beforeAll(async () => {
    browser = await launchChromium();
    server = await listen(
      createServer((req, res) => {
        void answer(decodeURIComponent(new URL(req.url ?? "/", "http://localhost").pathname)).then(
          ({ status, type, body }) => res.writeHead(status, { "Content-Type": type }).end(body),
        );
      }),
    );
    url = `http://127.0.0.1:${server.port}`;
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  async function open(path: string, width = 1280): Promise<{ page: Page; faults: string[] }> {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("response", (response) => {
      if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith("data:")) faults.push(request.url());
    });
    await page.goto(url + path, { waitUntil: "networkidle" });
    return { page, faults };
  }

  it("says on its first screen what hipflask is, and leads to a start", async () => {
    const { page, faults } = await open("/");
    await page.getByText("Flask's session for TypeScript servers").first().waitFor();
    expect(await page.getByText("Two shoppers, two carts").count()).toBe(1);
    await page.getByRole("link", { name: "The first ten minutes" }).first().click();
    await page.getByRole("heading", { name: "The first ten minutes" }).waitFor();
    expect(faults).toEqual([]);
    await page.close();
  });

  it("finds a word without asking a server", async () => {
    const { page, faults } = await open("/");
    await page.locator(".DocSearch-Button, .VPNavBarSearch button").first().click();
    await page.locator("input[type=search]").fill("OutsideRequestError");
    await page.locator(".result").first().waitFor();
    expect(await page.locator(".result").allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringContaining("OUTSIDE_REQUEST")]),
    );
    expect(faults).toEqual([]);
    await page.close();
  });

  it("can be dark", async () => {
    const { page } = await open("/start");
    const background = () =>
      page.evaluate("getComputedStyle(document.body).backgroundColor") as Promise<string>;
    const light = await background();
    await page.locator(".VPNavBarAppearance button").click();
    await expect.poll(background).not.toBe(light);
    await page.close();
  });

  it("fits a phone", async () => {
    for (const path of ["/", "/start", "/stores", "/frameworks/express"]) {
      const { page, faults } = await open(path, 360);
      const width = await page.evaluate("document.documentElement.scrollWidth");
      expect(`${path} ${String(width)}`).toBe(`${path} 360`);
      expect(faults).toEqual([]);
      await page.close();
    }
  });

  it("has the reference of every door, with its examples", async () => {
    const { page, faults } = await open("/api/hipflask/testing");
    await page.getByRole("heading", { name: "testClient()" }).waitFor();
    expect(await page.locator("div.language-ts").count()).toBeGreaterThan(3);
    expect(faults).toEqual([]);
    await page.close();
  });

  it("has every page, as HTML and as Markdown, and an index of them for language models", async () => {
    const get = async (path: string) => (await fetch(url + path)).text();
    const index = await get("/llms.txt");
    for (const { title, link } of contents.flatMap(({ pages }) => pages)) {
      const markdown = `${link.endsWith("/") ? `${link}index` : link}.md`;
      expect(index).toContain(`[${title}](${markdown})`);
      expect(`${markdown}\n${await get(markdown)}`).toMatch(/^# /m);
      expect(`${link} ${await get(link)}`).toContain("<h1");
    }
  });
});
