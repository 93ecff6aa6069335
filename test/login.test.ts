import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  adapt,
  BUILD_TIMEOUT,
  startServer,
  starterApp,
  type FrameworkApp,
  type FrameworkServer,
} from "./support/framework-app.ts";
import { frameworks } from "./support/frameworks.ts";
import { PlainVisitor, type PlainResponse } from "./support/plain-visitor.ts";

const root = join(import.meta.dirname, "..");
const examples = join(root, "examples/login");
const { skip, note } = frameworks();

type Fields = Record<string, string>;

/** Fills in the form that has a button, and presses it, as a browser without scripts does. */
async function press(
  visitor: PlainVisitor,
  { page: path, button }: { page: string; button: string },
  fields: Fields = {},
  headers: Fields = {},
): Promise<PlainResponse> {
  const page = await visitor.get(path);
  const hasButton = new RegExp(`<button[^>]*>\\s*${button}\\s*</button>`);
  const forms = [...page.body.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)];
  const [, attributes = "", content = ""] = forms.find(([form]) => hasButton.test(form)) ?? [];
  expect(attributes, `a form with the button "${button}" on ${path}: ${page.body}`).toMatch(/method="post"/i);
  const data = new FormData();
  for (const [, name = "", value = ""] of content.matchAll(
    /<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?/g,
  ))
    data.set(
      name,
      value.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
    );
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  const isMultipart = attributes.includes("multipart/form-data");
  const body = isMultipart ? data : new URLSearchParams([...data] as [string, string][]);
  const request = new Request("http://localhost", { method: "POST", body });
  const type = { "Content-Type": request.headers.get("Content-Type")! };
  const action = /action="([^"]+)"/.exec(attributes)?.[1] ?? path;
  return visitor.send("POST", action, { ...type, ...headers }, await request.text());
}

const LOGIN = { page: "/login", button: "Log in" };
const ADA = { username: "ada", password: "lovelace" };
const GRACE = { username: "grace", password: "hopper" };
const FOREIGN = { "Sec-Fetch-Site": "cross-site" };

/** The buttons of the page about devices: what stands before each, and which session it ends. */
async function devicesOf(visitor: PlainVisitor): Promise<{ text: string; selector: string }[]> {
  const { body } = await visitor.get("/devices");
  const rows = body.matchAll(/([^<>]*, last seen [^<>]*)<button[^>]* value="([^"]+)"/g);
  return [...rows].map(([, text = "", selector = ""]) => ({ text: text.trim(), selector }));
}

/** What a person with a browser sees of each program, whichever framework it is written with. */
function aLogin(open: () => FrameworkServer, isStored: boolean): void {
  const visitor = () => new PlainVisitor(open().url);
  const greeting = async (someone: PlainVisitor) =>
    /<h1>(.*?)<\/h1>/.exec((await someone.get("/")).body)?.[1];
  const loggedIn = async (fields: Fields = ADA, headers: Fields = {}) => {
    const someone = visitor();
    await press(someone, LOGIN, fields, headers);
    return someone;
  };

  it("knows who logged in, for as long as they asked, and forgets who logged out", async () => {
    const ada = visitor();
    expect(await greeting(ada)).toBe("Hello, stranger");
    const brief = await press(ada, LOGIN, ADA);
    expect([brief.status, brief.headers.location]).toEqual([303, "/"]);
    expect(brief.setCookie).toEqual([expect.stringMatching(/^session=[\w.-]+; .*HttpOnly/i)]);
    expect(brief.setCookie[0]).toMatch(/SameSite=Lax/i);
    expect(brief.setCookie[0]).not.toMatch(/Expires|Max-Age/i);
    expect(await greeting(ada)).toBe("Hello, ada");
    const before = ada.copy();
    expect((await press(ada, { page: "/", button: "Log out" })).status).toBe(303);
    expect(await greeting(ada)).toBe("Hello, stranger");
    // A copy of the cookie is worth something only where the cookie is the session.
    expect(await greeting(before)).toBe(isStored ? "Hello, stranger" : "Hello, ada");
    const remembered = await press(ada, LOGIN, { ...ADA, remember: "on" });
    expect(remembered.setCookie).toEqual([expect.stringMatching(/; Expires=/)]);
  });

  it("turns a wrong password and an unknown name away, with the same words", async () => {
    for (const wrong of [
      { ...ADA, password: "hopper" },
      { ...ADA, username: "nobody" },
    ]) {
      const ada = visitor();
      const answer = await press(ada, LOGIN, wrong);
      const page = answer.status === 303 ? await ada.get(answer.headers.location!) : answer;
      expect(page.body).toContain("Wrong name or password");
      expect(ada.cookies.size).toBe(0);
      expect(await greeting(ada)).toBe("Hello, stranger");
    }
  });

  it("leads from a page that needs a login there and back, and to no other site", async () => {
    const ada = visitor();
    const page = await ada.get("/devices");
    expect(page.headers.location ?? /url=([^"]+)"/.exec(page.body)?.[1]).toBe("/login?next=/devices");
    const { headers } = await press(ada, { ...LOGIN, page: "/login?next=/devices" }, ADA);
    expect(headers.location).toBe("/devices");
    const evil = ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", '/">'];
    for (const next of evil) {
      const page = `/login?next=${encodeURIComponent(next)}`;
      const answer = await press(visitor(), { ...LOGIN, page }, ADA);
      expect([next, answer.headers.location]).toEqual([next, "/"]);
    }
    const changed = await press(visitor(), LOGIN, { ...ADA, next: "//evil.example" });
    expect(changed.headers.location).toBe("/");
  });

  it("does nothing for the form of another site", async () => {
    const [ada, victim] = [await loggedIn(), visitor()];
    expect((await press(ada, { page: "/", button: "Log out" }, {}, FOREIGN)).status).toBeGreaterThanOrEqual(
      400,
    );
    expect(await greeting(ada)).toBe("Hello, ada");
    expect((await press(victim, LOGIN, ADA, FOREIGN)).status).toBeGreaterThanOrEqual(400);
    expect(victim.cookies.size).toBe(0);
  });

  it.each(isStored ? [] : ["has no list of devices"])("%s", async () => {
    const { body } = await (await loggedIn()).get("/devices");
    expect(body).toContain("Only the browser has a session in a cookie");
  });

  it.each(isStored ? ["lists the devices of a person, and logs out of one or of all of them"] : [])(
    "%s",
    async () => {
      const phone = await loggedIn(ADA, { "User-Agent": "a <phone>" });
      const laptop = await loggedIn(ADA, { "User-Agent": "a laptop" });
      const grace = await loggedIn(GRACE);
      const devices = await devicesOf(laptop);
      expect(devices.filter(({ text }) => text.startsWith("a laptop"))).toEqual([
        {
          text: expect.stringMatching(/^a laptop, last seen .* GMT \(this one\)$/),
          selector: expect.any(String),
        },
      ]);
      const other = devices.find(({ text }) => /^a &(?:lt|#60);phone&(?:gt|#62);, last seen/.test(text))!;
      const [hers] = await devicesOf(grace);
      expect(devices.map(({ selector }) => selector)).not.toContain(hers!.selector);

      const end = { page: "/devices", button: "Log out" };
      expect((await press(laptop, end, { selector: other.selector })).headers.location).toBe("/devices");
      expect(await greeting(phone)).toBe("Hello, stranger");
      await press(laptop, end, { selector: hers!.selector });
      expect(await greeting(grace)).toBe("Hello, grace");

      const tablet = await loggedIn();
      const everywhere = await press(laptop, { page: "/devices", button: "Log out everywhere" });
      expect([everywhere.status, everywhere.headers.location]).toEqual([303, "/"]);
      expect(laptop.cookies.size).toBe(0);
      expect(await greeting(tablet)).toBe("Hello, stranger");
      expect(await greeting(grace)).toBe("Hello, grace");
    },
  );
}

const modes = [
  { title: "with cookies", isStored: false },
  { title: "with a store", isStored: true },
];

/** The variables of a program. @param folder where it may keep its sessions */
const environment = (isStored: boolean, folder: string) => ({
  SECRET_KEY: "of a login",
  SESSION_STORE: isStored ? `sqlite:${join(folder, "sessions.db")}` : "",
});

describe.each(["express", "hono"])("examples/login/%s.ts", (name) => {
  describe.each(modes)("$title", ({ isStored }) => {
    let server: FrameworkServer;
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "login-"));
      const program = ["--import", "tsx", join(examples, `${name}.ts`)];
      server = await startServer(root, () => program, environment(isStored, folder));
    });
    afterAll(async () => {
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    aLogin(() => server, isStored);
  });
});

describe.skipIf(skip)(`examples/login/next${note}`, () => {
  let app: FrameworkApp;

  beforeAll(async () => {
    const starter = [
      "create-next-app/dist/index.js",
      "APP",
      "--yes",
      "--skip-install",
      "--disable-git",
    ] as const;
    app = await starterApp("login", starter, join(examples, "next"));
    await cp(join(examples, "users.ts"), join(app.folder, "lib/users.ts"));
    // The root's packages are found as well: a client of SQLite, for Node 20.
    const packages = "turbopack: { root: `${import.meta.dirname}/../../../../..`,";
    await adapt(app, "next.config.ts", "turbopack: {", packages);
    // Next checks the types of the app as well.
    await app.run("next/dist/bin/next", "build");
  }, BUILD_TIMEOUT);
  afterAll(() => app?.remove());

  describe.each(modes)("$title", ({ isStored }) => {
    let server: FrameworkServer;

    beforeAll(async () => {
      const next = join(frameworks().root, "node_modules/next/dist/bin/next");
      const command = (port: number) => [next, "start", "-p", String(port), "-H", "127.0.0.1"];
      server = await startServer(app.folder, command, environment(isStored, app.folder));
    });
    afterAll(() => server?.stop());

    aLogin(() => server, isStored);
  });
});
