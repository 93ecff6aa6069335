import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databases } from "../support/databases.ts";

const { skip, note, require } = databases();
const folder = join(import.meta.dirname, "../../examples/worker");

interface Miniflare {
  dispatchFetch(url: string, init?: object): Promise<Response>;
  dispose(): Promise<void>;
}

/** What of wrangler.jsonc the example uses. */
interface Wrangler {
  readonly main: string;
  readonly compatibility_date: string;
  readonly compatibility_flags: string[];
  readonly durable_objects: {
    readonly bindings: Array<{ readonly name: string; readonly class_name: string }>;
  };
  readonly migrations: Array<{ readonly new_sqlite_classes: string[] }>;
}

/** JSON with comments and trailing commas. */
function readWrangler(): Wrangler {
  const text = readFileSync(join(folder, "wrangler.jsonc"), "utf8");
  const json = text.replaceAll(/^\s*\/\/.*$/gm, "").replaceAll(/,(?=\s*[}\]])/g, "");
  return JSON.parse(json) as Wrangler;
}

describe.skipIf(skip)(`examples/worker, in workerd as its wrangler.jsonc says${note}`, () => {
  const wrangler = readWrangler();
  const persisted = mkdtempSync(join(tmpdir(), "hipflask-worker-"));
  const workers: Miniflare[] = [];
  let script = "";

  /** A deployment: what the objects hold outlives it. */
  function deploy(): Miniflare {
    const { Miniflare } = require("miniflare");
    const sqlite = new Set(wrangler.migrations.flatMap((migration) => migration.new_sqlite_classes));
    const worker = new Miniflare({
      modules: true,
      script,
      compatibilityDate: wrangler.compatibility_date,
      compatibilityFlags: wrangler.compatibility_flags,
      bindings: { SECRET_KEY: "of the tests" },
      durableObjects: Object.fromEntries(
        wrangler.durable_objects.bindings.map(({ name, class_name }) => [
          name,
          { className: class_name, useSQLite: sqlite.has(class_name) },
        ]),
      ),
      durableObjectsPersist: persisted,
    }) as Miniflare;
    workers.push(worker);
    return worker;
  }

  /** A browser, on one deployment after another. */
  class Browser {
    worker: Miniflare;
    cookie = "";

    constructor(worker: Miniflare) {
      this.worker = worker;
    }

    async page(): Promise<string> {
      return (await this.#fetch("/")).text();
    }

    async post(path: string, fields: Record<string, string> = {}): Promise<number> {
      const body = new URLSearchParams(fields).toString();
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return (await this.#fetch(path, { method: "POST", body, headers })).status;
    }

    async #fetch(path: string, init: { headers?: object; method?: string; body?: string } = {}) {
      const headers = { cookie: this.cookie, ...init.headers };
      const url = `https://app.example${path}`;
      const response = await this.worker.dispatchFetch(url, { ...init, headers, redirect: "manual" });
      for (const line of response.headers.getSetCookie()) this.cookie = line.split(";")[0]!;
      return response;
    }
  }

  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(folder, wrangler.main)],
      bundle: true,
      format: "esm",
      write: false,
      external: ["node:*"],
    });
    script = outputFiles[0]!.text;
  });
  afterAll(async () => {
    for (const worker of workers) await worker.dispose();
    rmSync(persisted, { recursive: true });
  });

  it("is configured as the documentation shows", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/frameworks/workers.md"), "utf8");
    expect(page).toContain(readFileSync(join(folder, "wrangler.jsonc"), "utf8"));
  });

  it("counts, logs in and out, and keeps sessions over a deployment", async () => {
    const browser = new Browser(deploy());
    expect(await browser.page()).toContain("hello, stranger");
    expect(browser.cookie).toBe("");
    expect(await browser.post("/count")).toBe(303);
    expect(await browser.post("/login", { name: "<ada>" })).toBe(303);
    await browser.post("/count");
    expect(await browser.page()).toMatch(/hello, &#60;ada&#62;[\s\S]*counted to 2/);

    await browser.worker.dispose();
    workers.pop();
    browser.worker = deploy();
    expect(await browser.page()).toMatch(/hello, &#60;ada&#62;[\s\S]*counted to 2/);

    const old = browser.cookie;
    await browser.post("/logout");
    browser.cookie = old;
    expect(await browser.page()).toContain("hello, stranger");
  });

  it("loses no count of parallel requests", async () => {
    const browser = new Browser(deploy());
    await browser.post("/count");
    await Promise.all(Array.from({ length: 20 }, () => browser.post("/count")));
    expect(await browser.page()).toContain("counted to 21.");
  });

  it("logs out everywhere, and refuses forms of other pages", async () => {
    const worker = deploy();
    const [laptop, phone] = [new Browser(worker), new Browser(worker)];
    await laptop.post("/login", { name: "grace" });
    await phone.post("/login", { name: "grace" });
    const forged = await worker.dispatchFetch("https://app.example/count", {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site", cookie: laptop.cookie },
    });
    expect(forged.status).toBe(403);
    await phone.post("/logout-everywhere");
    expect(await laptop.page()).toContain("hello, stranger");
    expect(await laptop.post("/login", { name: "" })).toBe(400);
  });
});
