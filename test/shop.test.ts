import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Visitors } from "../examples/shop/flow/visitors.ts";
import { cleanName } from "../examples/shop/visitor-name.ts";
import { PlainVisitor, type PlainResponse } from "./support/plain-visitor.ts";
import { startShop, type ShopServer } from "./support/shop-server.ts";

let shop: ShopServer;
beforeAll(async () => (shop = await startShop()));
afterAll(() => shop.close());

/** The cart as the page shows it: good → how many. */
function cartOf({ body }: PlainResponse): Record<string, number> {
  const rows = body.matchAll(/name="good" value="(\w+)">\n<button name="quantity" value="(\d+)"/g);
  return Object.fromEntries([...rows].map(([, good, oneLess]) => [good!, Number(oneLess) + 1]));
}

function greeting({ body }: PlainResponse): string {
  return /<h1[^>]*>(.*?) <span/.exec(body)![1]!.replaceAll(/<\/?bdi>/g, "");
}

/** The hidden fields of the checkout form. */
function slipOf({ body }: PlainResponse): { order: string; total: string } {
  const [, order, total] =
    /name="order" value="(.*?)">\n<input type="hidden" name="total" value="(.*?)"/.exec(body)!;
  return { order: order!, total: total! };
}

function messageOf({ body }: PlainResponse): string | undefined {
  return /class="message [^>]*>(.*?)</.exec(body)?.[1];
}

async function shopper(name: string, ...goods: string[]): Promise<PlainVisitor> {
  const visitor = new PlainVisitor(shop.url);
  await visitor.get("/");
  await visitor.post("/login", { username: name });
  for (const good of goods) await visitor.post("/cart/add", { good });
  await visitor.get("/"); // takes the messages
  return visitor;
}

describe("a session in the demo shop", () => {
  it("starts without a cookie, is set by the login form, and is accepted afterwards", async () => {
    const visitor = new PlainVisitor(shop.url);

    const first = await visitor.get("/");
    expect(greeting(first)).toBe("Hello, stranger.");
    expect(first.setCookie.filter((line) => line.startsWith("session="))).toEqual([]);
    expect(first.body).toContain("The browser sent no cookie.");
    expect(first.body).toContain("No cookie, so an empty session.");
    expect(first.headers).toMatchObject({ vary: "Cookie", "cache-control": "no-store" });

    const login = await visitor.post("/login", { username: "张三" });
    expect(login).toMatchObject({ status: 303, headers: { location: "/" } });
    expect(login.setCookie).toEqual([
      expect.stringMatching(/^session=[\w-]+\.[\w-]+\.[\w-]{27}; HttpOnly; Path=\/; SameSite=Lax$/),
    ]);

    const second = await visitor.get("/");
    expect(greeting(second)).toBe("Hello, 张三.");
    expect(messageOf(second)).toBe("Logged in as 张三.");
    expect(second.body).toContain("<strong>Accepted.</strong> The signature matches; 2 keys inside.");
    expect(second.body).toMatch(/added <code>username<\/code>/);

    const third = await visitor.get("/");
    expect(greeting(third)).toBe("Hello, 张三.");
    expect(messageOf(third)).toBeUndefined();
    expect(third.setCookie).toEqual([]);
    expect(third.body).toContain("Not modified: no cookie is sent.");
  });

  it("lasts 31 days for who wants to be remembered, and each visit renews it", async () => {
    const visitor = new PlainVisitor(shop.url);
    const login = await visitor.post("/login", { username: "王二", remember: "yes" });
    const [, expires] = /; Expires=([^;]+);/.exec(login.setCookie[0]!)!;
    expect(Math.abs(Date.parse(expires!) - Date.now() - 31 * 86_400_000)).toBeLessThan(5000);

    await visitor.get("/");
    const again = await visitor.get("/");
    expect(again.setCookie.join()).toMatch(/^session=.*; Expires=/);
  });

  it("ends at logout", async () => {
    const visitor = await shopper("张三", "tea");
    const { setCookie } = await visitor.post("/logout", {});
    expect(setCookie).toEqual([expect.stringMatching(/^session=; Expires=Thu, 01 Jan 1970 .*; Max-Age=0;/)]);
    const page = await visitor.get("/");
    expect(greeting(page)).toBe("Hello, stranger.");
    expect(cartOf(page)).toEqual({});
  });
});

describe("two carts", () => {
  it("never mix when two people take turns on one keep-alive connection", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = shop.connections();
    const zhang = new PlainVisitor(shop.url, agent);
    const wang = new PlainVisitor(shop.url, agent);
    await Promise.all([zhang.get("/"), wang.get("/")]);
    await Promise.all([
      zhang.post("/login", { username: "张三" }),
      wang.post("/login", { username: "王二" }),
    ]);

    for (let round = 1; round <= 9; round++) {
      const [first, second] = await Promise.all([
        zhang.submit("/cart/add", { good: "tea" }),
        wang.submit("/cart/add", { good: round % 2 === 0 ? "mug" : "flask" }),
      ]);
      expect([greeting(first), cartOf(first)]).toEqual(["Hello, 张三.", { tea: round }]);
      const mugs = Math.floor(round / 2);
      expect([greeting(second), cartOf(second)]).toEqual([
        "Hello, 王二.",
        { flask: round - mugs, ...(mugs > 0 && { mug: mugs }) },
      ]);
    }
    expect(shop.connections() - before).toBe(1);
    agent.destroy();
  });

  it("never mix among fifty people at the same time", async () => {
    const goods = ["flask", "mug", "tea", "lantern", "compass"];
    const results = await Promise.all(
      Array.from({ length: 50 }, async (_, number) => {
        const good = goods[number % goods.length]!;
        const count = 1 + (number % 9);
        const visitor = await shopper(`visitor ${number}`, ...Array.from({ length: count }, () => good));
        const page = await visitor.get("/");
        return {
          seen: [greeting(page), cartOf(page)],
          own: [`Hello, visitor ${number}.`, { [good]: count }],
        };
      }),
    );
    for (const { seen, own } of results) expect(seen).toEqual(own);
  });

  it("stay with a visitor who logs in, and are not passed to another user", async () => {
    const visitor = new PlainVisitor(shop.url);
    await visitor.post("/cart/add", { good: "compass" });
    expect(cartOf(await visitor.submit("/login", { username: "张三" }))).toEqual({ compass: 1 });
    expect(cartOf(await visitor.submit("/login", { username: "王二" }))).toEqual({});
  });
});

describe("the till", () => {
  it("takes an order once when the button is pressed twice", async () => {
    const visitor = await shopper("张三", "tea", "flask");
    const slip = slipOf(await visitor.get("/"));
    const before = shop.till.size;
    const [one, two] = [visitor.copy(), visitor.copy()];
    const answers = await Promise.all([one.submit("/checkout", slip), two.submit("/checkout", slip)]);
    for (const page of answers) {
      expect(page.body).toContain(`No. ${slip.order}`);
      expect(page.body).toContain("<strong>¥234</strong>");
    }
    expect(shop.till.size).toBe(before + 1);
  });

  it("takes it once when the form is sent again later, and shows the same receipt", async () => {
    const visitor = await shopper("张三", "mug");
    const slip = slipOf(await visitor.get("/"));
    const before = shop.till.size;
    await visitor.post("/checkout", slip);
    const again = await visitor.post("/checkout", slip);
    expect(again.headers.location).toBe("/receipt");
    expect((await visitor.get("/receipt")).body).toContain(`No. ${slip.order}`);
    expect(cartOf(await visitor.get("/"))).toEqual({});
    expect(shop.till.size).toBe(before + 1);
  });

  it("does not show another visitor's receipt for an old cookie under another name", async () => {
    const stranger = new PlainVisitor(shop.url);
    await stranger.post("/cart/add", { good: "lantern" });
    const thief = stranger.copy();
    await stranger.post("/login", { username: "张三" });
    await stranger.post("/checkout", slipOf(await stranger.get("/")));

    await thief.post("/login", { username: "王二" });
    const answer = await thief.submit("/checkout", slipOf(await thief.get("/")));
    expect(messageOf(answer)).toBe("This cart has been ordered already.");
    expect((await thief.submit("/checkout", { order: "" })).body).not.toContain("张三");
    expect((await thief.get("/receipt")).status).toBe(303);
  });

  it("takes nothing that the visitor did not see", async () => {
    const visitor = await shopper("张三", "tea");
    const slip = slipOf(await visitor.get("/"));
    await visitor.post("/cart/add", { good: "blanket" });
    const before = shop.till.size;
    const answer = await visitor.submit("/checkout", slip);
    expect(messageOf(answer)).toBe("Your cart has changed. Look at it once more.");
    expect(shop.till.size).toBe(before);
    expect(cartOf(answer)).toEqual({ tea: 1, blanket: 1 });
  });

  it("wants a name and a cart", async () => {
    const stranger = new PlainVisitor(shop.url);
    expect(messageOf(await stranger.submit("/checkout", { order: "", total: "0" }))).toBe(
      "Log in to check out.",
    );
    const empty = await shopper("王二");
    expect((await empty.post("/checkout", { order: "", total: "0" })).headers.location).toBe("/#cart");
    expect((await empty.get("/receipt")).headers.location).toBe("/");
  });
});

describe("a cookie that was tampered with", () => {
  it("is refused, shows a stranger, and is good again once the byte is put back", async () => {
    const visitor = await shopper("张三", "tea");
    const honest = visitor.cookies.get("session")!;

    const refused = await visitor.submit("/flow/tamper", {});
    const forged = visitor.cookies.get("session")!;
    expect(differences(honest, forged)).toBe(1);
    expect(greeting(refused)).toBe("Hello, stranger.");
    expect(cartOf(refused)).toEqual({});
    expect(refused.body).toContain("<code>bad_signature</code>");
    expect(refused.body).toContain("tampered with");

    const healed = await visitor.submit("/flow/tamper", {});
    expect(visitor.cookies.get("session")).toBe(honest);
    expect(greeting(healed)).toBe("Hello, 张三.");
    expect(cartOf(healed)).toEqual({ tea: 1 });
  });

  it.each(["", ".", "..", "a.b.c", "x".repeat(9000), `e30.ZVPvAA.${"A".repeat(27)}`, '"quoted"', "%00%ff"])(
    "may be anything: %.20s",
    async (value) => {
      const visitor = new PlainVisitor(shop.url);
      await visitor.get("/");
      visitor.cookies.set("session", value);
      const page = await visitor.get("/");
      expect(page.status).toBe(200);
      expect(greeting(page)).toBe("Hello, stranger.");
      expect((await visitor.post("/flow/tamper", {})).status).toBe(303);
      expect((await visitor.get("/")).status).toBe(200);
    },
  );
});

describe("forms", () => {
  it.each([
    ["no origin at all", { Origin: "" }],
    ["another site's", { Origin: "http://evil.example" }],
    ["an opaque one", { Origin: "null" }],
  ])("are refused from %s", async (_, headers) => {
    const visitor = await shopper("张三", "tea");
    expect((await visitor.post("/cart/add", { good: "mug" }, headers)).status).toBe(403);
    expect((await visitor.post("/flow/tamper", {}, headers)).status).toBe(403);
    expect(cartOf(await visitor.get("/"))).toEqual({ tea: 1 });
  });

  it.each([
    { good: "tea", quantity: "-1" },
    { good: "tea", quantity: "10" },
    { good: "tea", quantity: "1.5" },
    { good: "tea", quantity: "many" },
    { good: "tea" },
    { good: "__proto__", quantity: "1" },
    { good: "gold", quantity: "1" },
    {},
  ])("with a quantity or a good that is none change nothing: %j", async (form) => {
    const visitor = await shopper("张三", "tea");
    const page = await visitor.submit("/cart/quantity", form as Record<string, string>);
    expect(messageOf(page)).toMatch(/^(From 0 to 9|We do not sell)/);
    expect(cartOf(page)).toEqual({ tea: 1 });
  });

  it("put at most nine of a kind into the cart", async () => {
    const visitor = await shopper("张三", ...Array.from({ length: 9 }, () => "tea"));
    expect(messageOf(await visitor.submit("/cart/add", { good: "tea" }))).toBe("No more than 9 of one kind.");
    expect(cartOf(await visitor.get("/"))).toEqual({ tea: 9 });
  });

  it("have a size limit", async () => {
    const visitor = new PlainVisitor(shop.url);
    expect((await visitor.post("/login", { username: "x".repeat(9000) })).status).toBe(413);
  });

  it("show a name as text, whatever it says", async () => {
    const visitor = new PlainVisitor(shop.url);
    const page = await visitor.submit("/login", { username: '<img src="x">' });
    expect(greeting(page)).toBe("Hello, &lt;img src=&quot;x&quot;&gt;.");
    expect(page.body).not.toContain("<img");
  });
});

describe("the flow", () => {
  it("is shown to its own browser alone", async () => {
    const zhang = await shopper("张三");
    const wang = await shopper("王二");
    const theirs = await wang.get("/flow");
    expect(theirs.status).toBe(200);
    expect(theirs.body).not.toContain(zhang.cookies.get("session")!.split(".")[0]!);
    expect((await new PlainVisitor(shop.url).get("/flow")).status).toBe(404);

    const guess = new PlainVisitor(shop.url);
    guess.cookies.set("flow", "AAAAAAAAAAAAAAAAAAAAAA");
    expect((await guess.get("/flow")).status).toBe(404);
    await guess.get("/");
    expect(guess.cookies.get("flow")).not.toBe("AAAAAAAAAAAAAAAAAAAAAA");
  });

  it("keeps the last eight requests", async () => {
    const visitor = await shopper("张三");
    for (let count = 0; count < 20; count++) await visitor.get("/");
    expect((await visitor.get("/flow")).body.match(/class="request"/g)).toHaveLength(8);
  });

  it("tells a browser of each new request, and follows a few of its tabs at a time", async () => {
    const visitor = await shopper("张三");
    const headers = { Cookie: `flow=${visitor.cookies.get("flow")}` };
    const controllers = Array.from({ length: 4 }, () => new AbortController());
    const open = (signal?: AbortSignal) =>
      fetch(`${shop.url}/flow/stream`, { headers, ...(signal && { signal }) });
    const streams = await Promise.all(controllers.map(({ signal }) => open(signal)));
    const reader = streams[0]!.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("data: 3\n\n");
    await visitor.get("/");
    expect((await reader.read()).value).toBe("data: 4\n\n");

    expect((await open()).status).toBe(204);
    for (const controller of controllers) controller.abort();
    await expect.poll(async () => (await probe(open)).status, { timeout: 5000 }).toBe(200);
  });

  it("remembers a bounded number of browsers and forgets who was away longest", () => {
    const visitors = new Visitors(2);
    const [first, second] = [visitors.welcome(), visitors.welcome()];
    expect(visitors.find(first.id)).toBe(first);
    const third = visitors.welcome();
    expect(visitors.find(second.id)).toBeUndefined();
    expect([visitors.find(first.id), visitors.find(third.id)]).toEqual([first, third]);
  });
});

describe("every answer", () => {
  it.each(["/", "/nowhere", "/receipt", "/flow", "/static/shop.css"])(
    "of %s has the security headers",
    async (path) => {
      const visitor = await shopper("张三");
      const { headers } = await visitor.get(path);
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'none';.*script-src 'self'; style-src 'self'$/,
      );
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "x-frame-options": "DENY" });
      expect(headers["strict-transport-security"]).toBeUndefined();
    },
  );

  it("is styled and scripted from files alone", async () => {
    const { body } = await (await shopper("张三", "tea")).get("/");
    expect(body).not.toMatch(/<style|style=|<script(?! src=)| on\w+=/);
  });

  it.each([
    ["/static/shop.css", "text/css; charset=utf-8"],
    ["/static/flow.js", "text/javascript; charset=utf-8"],
    ["/static/goods.svg", "image/svg+xml; charset=utf-8"],
  ])("of %s has its type, and is not sent twice", async (path, type) => {
    const visitor = new PlainVisitor(shop.url);
    const { headers } = await visitor.get(path);
    expect(headers["content-type"]).toBe(type);
    expect(headers["set-cookie"]).toBeUndefined();
    expect((await visitor.send("GET", path, { "If-None-Match": headers.etag! })).status).toBe(304);
  });

  it.each([
    "/static/../app.ts",
    "/static/%2e%2e/app.ts",
    "/static/..%2fapp.ts",
    "/static//etc/passwd",
    "/static/",
  ])("of %s is not found", async (path) => {
    expect((await new PlainVisitor(shop.url).get(path)).status).toBe(404);
  });
});

describe("cleanName", () => {
  it.each([
    ["  张三 ", "张三"],
    ["a\tb\n c", "a b c"],
    ["\u202Eevil", "evil"],
    ["e\u0301", "\u00E9"],
    ["👩‍🚀", "👩‍🚀"],
    ["", undefined],
    [" \u0000 ", undefined],
    ["x".repeat(41), undefined],
    ["字".repeat(40), "字".repeat(40)],
    [null, undefined],
  ])("makes %j to %j", (raw, name) => expect(cleanName(raw)).toBe(name));
});

function differences(a: string, b: string): number {
  return [...a].filter((character, index) => character !== b[index]).length;
}

async function probe(open: (signal: AbortSignal) => Promise<Response>): Promise<Response> {
  const controller = new AbortController();
  const response = await open(controller.signal);
  controller.abort();
  return response;
}
