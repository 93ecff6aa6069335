import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frameworks } from "../support/frameworks.ts";
import { buildRecipes, type RecipeProject } from "./recipe-server.ts";

const { skip, note } = frameworks();

let project: RecipeProject;
const servers: { close(): void }[] = [];

beforeAll(async () => {
  if (!skip) project = await buildRecipes();
});

afterAll(async () => {
  for (const server of servers) server.close();
  await project?.remove();
});

async function start(recipe: string, mode: "cookie" | "store" | "slow"): Promise<string> {
  const server = await project.serve(recipe, mode);
  servers.push(server);
  return server.origin;
}

/** A visitor's browser: keeps the session's cookie, and follows no redirect. */
function visitor(origin: string, cookie = "") {
  const jar = async (input: string | URL | Request, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (cookie !== "") headers.set("Cookie", cookie);
    const response = await fetch(input, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie())
      if (line.startsWith("session=")) cookie = line.split(";")[0]!;
    return response;
  };
  const send = (method: string, path: string, body?: unknown) =>
    jar(origin + path, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { "Content-Type": "application/json" },
      }),
    });
  return {
    jar,
    copy: () => visitor(origin, cookie),
    get: (path: string) => send("GET", path),
    post: (path: string, body?: unknown) => send("POST", path, body),
    text: async (path: string) => (await send("GET", path)).text(),
  };
}

const shops = ["nestjs", "elysia", "adonis"];

describe.skipIf(skip).each(shops)(`the recipe for %s${note}`, (recipe) => {
  let origin = "";

  beforeAll(async () => {
    origin = await start(recipe, "cookie");
  });

  it("logs in, with the cookie on the redirect, and knows the visitor on the next page", async () => {
    const ada = visitor(origin);
    expect(await ada.text("/")).toBe("hello, stranger\n");
    const login = await ada.post("/login", { username: "ada" });
    expect([302, 303]).toContain(login.status);
    expect(new URL(login.headers.get("Location")!, origin).pathname).toBe("/");
    expect(login.headers.getSetCookie()).toEqual([expect.stringMatching(/^session=.*; HttpOnly; Path=\/$/)]);
    expect(login.headers.get("Cache-Control")).toBe("no-store");
    const answer = await ada.get("/");
    expect(answer.headers.get("Vary")).toContain("Cookie");
    expect(await answer.text()).toBe("hello, ada\n");
  });

  it("keeps what was written before an error was thrown", async () => {
    const ada = visitor(origin);
    await ada.post("/login", { username: "ada" });
    for (const attempt of [1, 2, 3]) {
      const answer = await ada.post("/pay");
      expect(answer.status).toBe(402);
      expect(await answer.text()).toContain(`attempt ${attempt}: no money`);
    }
  });

  it("has the session in a guard against strangers", async () => {
    const answer = await visitor(origin).post("/pay");
    expect(answer.status).toBe(403);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it("leaves a page that is not there without a trace", async () => {
    const { status, headers } = await visitor(origin).get("/nowhere");
    expect([status, headers.get("Set-Cookie"), headers.get("Vary")]).toEqual([404, null, null]);
  });

  it("never mixes 200 parallel requests of two visitors", async () => {
    const [ada, bob] = [visitor(origin), visitor(origin)];
    await Promise.all([ada.post("/login", { username: "ada" }), bob.post("/login", { username: "bob" })]);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? ada : bob).text("/")),
    );
    answers.forEach((body, at) => expect(body).toBe(at % 2 === 0 ? "hello, ada\n" : "hello, bob\n"));
  });

  it("sends no byte before its session is saved", async () => {
    const slow = await start(recipe, "slow");
    const ways: [method: string, path: string, status: number[]][] = [
      ["GET", "/", [200]],
      ["POST", "/login", [302, 303]],
      ["POST", "/pay", [402]],
      ["GET", "/nowhere", [404]],
    ];
    await Promise.all(
      ways.map(async ([method, path, statuses]) => {
        const { jar } = visitor(slow);
        const login = { body: '{"username":"ada"}', headers: { "Content-Type": "application/json" } };
        const answer = await jar(slow + path, { method, ...(path === "/login" && login) });
        expect(statuses).toContain(answer.status);
        expect(answer.headers.getSetCookie()).toEqual(["session=saved"]);
      }),
    );
  });
});

const forms = ["hapi", "polka", "lambda", "elysia"];
const inBoth = (recipes: readonly string[]) =>
  recipes.flatMap((recipe) => (["cookie", "store"] as const).map((place) => [recipe, place] as const));

describe.skipIf(skip).each(inBoth(forms))(
  `the recipe for %s, with sessions in a %s${note}`,
  (recipe, place) => {
    let origin = "";

    beforeAll(async () => {
      origin = await start(recipe, place);
    });

    const logIn = (browser: ReturnType<typeof visitor>, username: string) =>
      browser.jar(`${origin}/login`, { method: "POST", body: new URLSearchParams({ username }) });

    it("logs in by a form, knows the visitor on the next page, and logs out", async () => {
      const ada = visitor(origin);
      const first = await ada.get("/");
      expect([await first.text(), first.headers.getSetCookie()]).toEqual(["hello, stranger\n", []]);
      expect(first.headers.get("Vary")).toMatch(/\bcookie\b/i);
      const login = await logIn(ada, "ada");
      expect([login.status, login.headers.get("Location")]).toEqual([303, "/"]);
      expect(login.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^session=\S+; HttpOnly; Path=\/$/),
      ]);
      expect(login.headers.get("Cache-Control")).toMatch(/\bno-store$/);
      expect(await ada.text("/")).toBe("hello, ada\n");
      const stolen = ada.copy();
      const logout = await ada.jar(`${origin}/logout`, { method: "POST" });
      expect([logout.status, logout.headers.get("Location")]).toEqual([303, "/"]);
      expect(await ada.text("/")).toBe("hello, stranger\n");
      expect(await stolen.text("/")).toBe(place === "store" ? "hello, stranger\n" : "hello, ada\n");
    });

    it("never mixes 200 parallel requests of two visitors", async () => {
      const [ada, bob] = [visitor(origin), visitor(origin)];
      await Promise.all([logIn(ada, "ada"), logIn(bob, "bob")]);
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? ada : bob).text("/")),
      );
      answers.forEach((body, at) => expect(body).toBe(at % 2 === 0 ? "hello, ada\n" : "hello, bob\n"));
    });
  },
);

describe.skipIf(skip).each(["hapi", "polka", "lambda"])(`the recipe for %s${note}`, (recipe) => {
  it("sends no byte before its session is saved, on any path", async () => {
    const slow = await start(recipe, "slow");
    const ways: [method: string, path: string, status: number][] = [
      ["GET", "/", 200],
      ["POST", "/login", 303],
      ["GET", "/nowhere", 404],
    ];
    for (const [method, path, status] of ways) {
      const body = method === "POST" ? new URLSearchParams({ username: "ada" }) : null;
      const answer = await visitor(slow).jar(slow + path, { method, body });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([status, ["session=saved"]]);
    }
  });
});

describe.skipIf(skip).each(["hapi", "polka"])(`the recipe for %s${note}`, (recipe) => {
  it("keeps what was written before an error, and the cookies of the app itself", async () => {
    const origin = await start(recipe, "cookie");
    const ada = visitor(origin);
    expect((await ada.get("/crash")).status).toBe(500);
    expect((await ada.get("/crash")).status).toBe(500);
    const answer = await ada.get("/attempts");
    expect(await answer.text()).toBe("2");
    expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^other=/)]);
  });
});

describe.skipIf(skip).each(["cookie", "store"] as const)(
  `the recipe for GraphQL Yoga, with sessions in a %s${note}`,
  (place) => {
    let origin = "";

    beforeAll(async () => {
      origin = await start("yoga", place);
    });

    const ask = async (browser: ReturnType<typeof visitor>, query: string) => {
      const answer = await browser.post("/graphql", { query });
      return { headers: answer.headers, body: (await answer.json()) as unknown };
    };
    const logIn = (browser: ReturnType<typeof visitor>, username: string) =>
      ask(browser, `mutation { login(username: "${username}") }`);
    const hello = async (browser: ReturnType<typeof visitor>) => (await ask(browser, "{ hello }")).body;

    it("logs in by a mutation, knows the visitor in the next query, and logs out", async () => {
      const ada = visitor(origin);
      expect(await hello(ada)).toEqual({ data: { hello: "hello, stranger" } });
      const login = await logIn(ada, "ada");
      expect(login.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^session=\S+; HttpOnly; Path=\/$/),
      ]);
      expect(login.headers.get("Cache-Control")).toBe("no-store");
      expect(await hello(ada)).toEqual({ data: { hello: "hello, ada" } });
      const stolen = ada.copy();
      expect((await ask(ada, "mutation { logout }")).body).toEqual({ data: { logout: true } });
      expect(await hello(ada)).toEqual({ data: { hello: "hello, stranger" } });
      const kept = place === "store" ? "hello, stranger" : "hello, ada";
      expect(await hello(stolen)).toEqual({ data: { hello: kept } });
    });

    it("never mixes 200 parallel queries of two visitors", async () => {
      const [ada, bob] = [visitor(origin), visitor(origin)];
      await Promise.all([logIn(ada, "ada"), logIn(bob, "bob")]);
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, at) => hello(at % 2 === 0 ? ada : bob)),
      );
      answers.forEach((body, at) =>
        expect(body).toEqual({ data: { hello: at % 2 === 0 ? "hello, ada" : "hello, bob" } }),
      );
    });
  },
);

describe.skipIf(skip).each(["yoga-req", "yoga-express"])(
  `the recipe for GraphQL Yoga: %s${note}`,
  (recipe) => {
    it.each(["cookie", "store"] as const)(
      "finds the session by context.req, with sessions in a %s",
      async (place) => {
        const origin = await start(recipe, place);
        const ask = async (browser: ReturnType<typeof visitor>, query: string) =>
          (await browser.post("/graphql", { query })).json() as Promise<unknown>;
        const [ada, bob] = [visitor(origin), visitor(origin)];
        const logIn = (username: string) => `mutation { login(username: "${username}") }`;
        await Promise.all([ask(ada, logIn("ada")), ask(bob, logIn("bob"))]);
        const answers = await Promise.all(
          Array.from({ length: 200 }, (_, at) => ask(at % 2 === 0 ? ada : bob, "{ names }")),
        );
        answers.forEach((answer, at) => {
          const name = at % 2 === 0 ? "ada" : "bob";
          expect(answer).toEqual({ data: { names: [name, name] } });
        });
      },
    );
  },
);

/** What is called of the clients in `recipes/trpc-client.ts`. */
interface Client {
  readonly hello: { query(): Promise<string> };
  readonly login: { mutate(username: string): Promise<string> };
  readonly pay: { mutate(): Promise<never> };
}

type CreateClient = (options: { url: string; fetch: typeof fetch }) => Client;
type Clients = Record<"createClient" | "createStreamingClient", CreateClient>;

describe.skipIf(skip).each(["trpc-node", "trpc-fetch"])(`the recipe for %s${note}`, (recipe) => {
  let origin = "";
  let clients: Clients;

  beforeAll(async () => {
    origin = await start(recipe, "cookie");
    clients = (await import(join(project.folder, "js/trpc-client.js"))) as Clients;
  });

  const browser = (at = origin) => {
    const { jar } = visitor(at);
    const options = { url: at, fetch: jar as typeof fetch };
    return { plain: clients.createClient(options), streaming: clients.createStreamingClient(options) };
  };

  it("logs in, and knows the visitor in the next query", async () => {
    const ada = browser();
    expect(await ada.plain.hello.query()).toBe("hello, stranger");
    expect(await ada.plain.login.mutate("ada")).toBe("login success");
    expect(await Promise.all([ada.plain.hello.query(), ada.plain.hello.query()])).toEqual([
      "hello, ada",
      "hello, ada",
    ]);
  });

  it("keeps what was written before an error was thrown", async () => {
    const ada = browser();
    await expect(ada.plain.pay.mutate()).rejects.toThrow("UNAUTHORIZED");
    await ada.plain.login.mutate("ada");
    for (const attempt of [1, 2, 3]) {
      await expect(ada.plain.pay.mutate()).rejects.toThrow(`attempt ${attempt}: no money`);
    }
  });

  it("gives the calls of one batch the same session", async () => {
    const ada = browser();
    await ada.plain.login.mutate("ada");
    const batch = await Promise.allSettled([ada.plain.pay.mutate(), ada.plain.pay.mutate()]);
    expect(batch.map((call) => String((call as PromiseRejectedResult).reason))).toEqual([
      expect.stringContaining("attempt 1: no money"),
      expect.stringContaining("attempt 2: no money"),
    ]);
    await expect(ada.plain.pay.mutate()).rejects.toThrow("attempt 3: no money");
  });

  it("refuses a mutation whose answer streams, instead of losing it", async () => {
    const ada = browser();
    await expect(ada.streaming.login.mutate("ada")).rejects.toThrow(
      /after the response's headers were sent|A stream that goes on after its handler/,
    );
    expect(await ada.streaming.hello.query()).toBe("hello, stranger");
  });

  it("never mixes 200 parallel requests of two visitors", async () => {
    const [ada, bob] = [browser(), browser()];
    await Promise.all([ada.plain.login.mutate("ada"), bob.plain.login.mutate("bob")]);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? ada : bob).plain.hello.query()),
    );
    answers.forEach((body, at) => expect(body).toBe(at % 2 === 0 ? "hello, ada" : "hello, bob"));
  });

  it("sends no byte before its session is saved", async () => {
    const slow = await start(recipe, "slow");
    const calls = ["/hello", "/hello?batch=1", "/nowhere"];
    await Promise.all(
      calls.map(async (path) => {
        const answer = await fetch(slow + path, { headers: { "trpc-accept": "application/jsonl" } });
        expect(answer.headers.getSetCookie()).toEqual(["session=saved"]);
      }),
    );
  });
});

/** What each page shows, in its order. */
const pages: Record<string, readonly string[]> = {
  "nestjs.md": ["nestjs.ts", "nestjs-test.ts"],
  "anything-else.md": ["hapi.ts", "polka.ts", "yoga.ts", "lambda.ts"],
  "elysia.md": ["elysia.ts", "elysia-test.ts"],
  "trpc.md": ["trpc.ts", "trpc-client.ts", "trpc-test.ts"],
  "adonis.md": ["adonis/bin/server.ts", "adonis/start/routes.ts", "adonis/start/session.ts"],
};

describe.each(Object.entries(pages))("docs/frameworks/%s", (page, files) => {
  it("shows the very files that are tested here", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/frameworks", page), "utf8");
    const shown = [...text.matchAll(/^```ts no-check\n(.*?)^```$/gms)].map(([, code]) => code);
    expect(shown).toEqual(
      files.map((file) => readFileSync(join(import.meta.dirname, "recipes", file), "utf8")),
    );
  });
});

describe.skipIf(skip)(`the tests that the pages show${note}`, () => {
  it.each(["nestjs-test.js", "elysia-test.js", "trpc-test.js"])("pass: %s", async (script) => {
    // A failed assertion of the script ends it with an error.
    await expect(project.run(script)).resolves.toBeDefined();
  });
});
