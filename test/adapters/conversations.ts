import { Agent, request as httpRequest } from "node:http";
import { EventEmitter, once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createSession,
  getSession,
  session,
  SessionClosedError,
  type SessionInterface,
  type SessionOptions,
} from "../../src/index.ts";
import { turns } from "../support/turns.ts";

/** A request as every framework can tell it. */
export interface AppRequest {
  readonly method: string;
  readonly path: string;
}

/** A response as every framework can send it; chunks are sent one by one, each made when it is its turn. */
export interface AppResponse {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | (() => AsyncIterable<string>);
}

export type App = (request: AppRequest) => AppResponse | Promise<AppResponse>;

/** What an adapter's test gives: a real server in front of an app that uses sessions. */
export interface Harness {
  serve(app: App, options: SessionOptions): Promise<{ readonly port: number; close(): Promise<void> }>;
}

const secretKey = "conversations";
/** Parallel requests that must not be mixed up; more in CI, since a thousand connections take seconds. */
const PARALLEL = process.env.CI ? 1000 : 200;
/** What the last stream came across when it wrote to its session, for the test to look at. */
let lateWrite: unknown;

const routes: Record<string, App> = {
  "/": () => ({ body: `hello, ${session.username ?? "stranger"}` }),
  "/untouched": () => ({ body: "ok" }),
  "/login/ada": () => {
    session.username = "ada";
    return { body: "login success" };
  },
  "/login/bob": () => {
    session.username = "bob";
    return { body: "login success" };
  },
  "/logout": () => {
    session.destroy();
    return { status: 303, headers: { Location: "/" } };
  },
  "/redirect": () => {
    session.username = "redirected";
    return { status: 302, headers: { Location: "/" } };
  },
  "/throws": () => {
    session.before = "failure";
    throw new Error("the handler failed on purpose");
  },
  "/rejects": async () => {
    session.before = "failure";
    await turns(5);
    throw new Error("the handler failed on purpose");
  },
  "/before": () => ({ body: String(session.before) }),
  "/own-cookie": () => {
    session.own = true;
    return {
      headers: { "Set-Cookie": "theme=dark; Path=/", Vary: "Accept", "Cache-Control": "public, max-age=9" },
    };
  },
  "/unserializable": () => {
    session.list = [];
    session.list.push(() => 1);
    return { body: "this must not look like success" };
  },
  "/stream": () => {
    session.streamed = "yes";
    return {
      body: async function* () {
        yield "one,";
        await turns();
        try {
          session.late = true;
          lateWrite = "accepted";
        } catch (error) {
          lateWrite = error;
        }
        yield String(session.streamed);
      },
    };
  },
  "/deep": async () => {
    await turns(5);
    const emitter = new EventEmitter();
    const heard = once(emitter, "go").then(() => `emitter:${session.username}`);
    setImmediate(() => emitter.emit("go"));
    const later = new Promise((resolve) => setImmediate(() => resolve(`immediate:${getSession().username}`)));
    return { body: [await heard, await later].join(" ") };
  },
  "/slow-echo": async () => {
    const mine = session.username;
    await turns(Math.random() * 20);
    session.count = (session.count ?? 0) + 1;
    return { body: `${mine}/${session.username}/${session.count}` };
  },
};

const app: App = ({ path }) => routes[path]?.({ method: "GET", path }) ?? { status: 404, body: missed() };

function missed(): string {
  session.missed = (session.missed ?? 0) + 1;
  return "not found";
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly cookies: readonly string[];
  readonly body: string;
}

/** A browser's memory of one cookie; attributes do not matter here. */
class Client {
  cookie: string | undefined;
  readonly #port: number;
  readonly #agent: Agent;

  constructor(port: number, agent: Agent) {
    this.#port = port;
    this.#agent = agent;
  }

  async fetch(
    path: string,
    {
      method = "GET",
      cookie = this.cookie,
      sent = {},
    }: { method?: string; cookie?: string | undefined; sent?: Record<string, string> } = {},
  ) {
    const headers = cookie === undefined ? sent : { ...sent, Cookie: cookie };
    const answer = await new Promise<Answer>((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.#port, path, method, headers, agent: this.#agent };
      const sent = httpRequest(options, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("error", reject);
        response.on("end", () => {
          const headers = new Headers();
          for (let at = 0; at < response.rawHeaders.length; at += 2) {
            headers.append(response.rawHeaders[at]!, response.rawHeaders[at + 1]!);
          }
          resolve({ status: response.statusCode!, headers, cookies: headers.getSetCookie(), body });
        });
      });
      sent.on("error", reject);
      sent.end();
    });
    for (const line of answer.cookies) {
      if (!line.startsWith("session=")) continue;
      this.cookie = line.startsWith("session=;") ? undefined : line.split(";")[0];
    }
    return answer;
  }
}

/** Every adapter must hold these conversations, each on a real server and a real connection. */
export function conversations(name: string, harness: Harness): void {
  describe(`${name} in conversation`, () => {
    const agent = new Agent({ keepAlive: true });
    const onlyOne = new Agent({ keepAlive: true, maxSockets: 1 });
    const servers: { close(): Promise<void> }[] = [];
    let port = 0;
    const client = (at = port, by = agent) => new Client(at, by);

    async function serve(options: SessionOptions, custom: App = app): Promise<number> {
      const server = await harness.serve(custom, options);
      servers.push(server);
      return server.port;
    }

    beforeAll(async () => {
      port = await serve({ secretKey });
    });

    afterAll(async () => {
      agent.destroy();
      onlyOne.destroy();
      await Promise.all(servers.map((server) => server.close()));
    });

    it("greets a stranger, logs in, recognises the visitor, logs out", async () => {
      const ada = client();
      const first = await ada.fetch("/");
      expect(first.body).toBe("hello, stranger");
      expect(first.cookies).toEqual([]);
      expect(first.headers.get("Vary")).toBe("Cookie");
      const login = await ada.fetch("/login/ada");
      expect(login.cookies).toHaveLength(1);
      expect(login.cookies[0]).toMatch(
        /^session=eyJ1c2VybmFtZSI6ImFkYSJ9\.[\w-]+\.[\w-]+; HttpOnly; Path=\/$/,
      );
      expect(login.headers.get("Cache-Control")).toBe("no-store");
      expect((await ada.fetch("/")).body).toBe("hello, ada");
      const logout = await ada.fetch("/logout");
      expect(logout.status).toBe(303);
      expect(logout.cookies).toEqual([
        "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/",
      ]);
      expect((await ada.fetch("/")).body).toBe("hello, stranger");
    });

    it("leaves no trace on a response that did not touch its session", async () => {
      const ada = client();
      await ada.fetch("/login/ada");
      const answer = await ada.fetch("/untouched");
      expect(answer.body).toBe("ok");
      expect(answer.cookies).toEqual([]);
      expect(answer.headers.get("Vary")).toBeNull();
      expect(answer.headers.get("Cache-Control")).toBeNull();
    });

    it("sends the cookie with a redirect, and the next page reads it", async () => {
      const ada = client();
      const redirect = await ada.fetch("/redirect");
      expect(redirect.status).toBe(302);
      expect(redirect.headers.get("Location")).toMatch(/\/$/);
      expect(redirect.cookies).toHaveLength(1);
      expect((await ada.fetch("/")).body).toBe("hello, redirected");
    });

    it.each(["/throws", "/rejects"])(
      "saves what %s wrote before it failed, with the 500 page",
      async (path) => {
        const ada = client();
        const failure = await ada.fetch(path);
        expect(failure.status).toBe(500);
        expect(failure.body).not.toContain("on purpose");
        expect(failure.cookies).toHaveLength(1);
        expect((await ada.fetch("/before")).body).toBe("failure");
      },
    );

    it("saves on a 404", async () => {
      const ada = client();
      const missing = await ada.fetch("/nowhere");
      expect([missing.status, missing.body]).toEqual([404, "not found"]);
      expect(missing.cookies).toHaveLength(1);
    });

    it("saves on HEAD, without a body", async () => {
      const ada = client();
      const head = await ada.fetch("/login/ada", { method: "HEAD" });
      expect([head.status, head.body]).toEqual([200, ""]);
      expect(head.cookies).toHaveLength(1);
      expect((await ada.fetch("/")).body).toBe("hello, ada");
    });

    it("adds its cookie to those of the handler, and merges Vary and Cache-Control", async () => {
      const answer = await client().fetch("/own-cookie");
      expect(answer.cookies).toEqual(["theme=dark; Path=/", expect.stringMatching(/^session=/)]);
      expect(answer.headers.get("Vary")).toBe("Accept, Cookie");
      expect(answer.headers.get("Cache-Control")).toBe("max-age=9, no-store");
    });

    it("saves before a stream begins and refuses what the stream writes later (SEC-17)", async () => {
      lateWrite = undefined;
      const ada = client();
      const answer = await ada.fetch("/stream");
      expect(answer.body).toBe("one,yes");
      expect(answer.cookies).toHaveLength(1);
      expect(lateWrite).toBeInstanceOf(SessionClosedError);
    });

    it("keeps the session across await, timers and event emitters", async () => {
      const ada = client();
      await ada.fetch("/login/ada");
      expect((await ada.fetch("/deep")).body).toBe("emitter:ada immediate:ada");
    });

    it("takes the first of several cookies of its name, even if it is the bad one, as Flask does", async () => {
      const [ada, bob] = [client(), client()];
      await ada.fetch("/login/ada");
      await bob.fetch("/login/bob");
      const both = { cookie: `x=1; ${ada.cookie}; ${bob.cookie}` };
      expect((await client().fetch("/", both)).body).toBe("hello, ada");
      expect((await client().fetch("/", { cookie: `session=forged; ${bob.cookie}` })).body).toBe(
        "hello, stranger",
      );
    });

    it("meets a bad cookie with an empty session and does not delete it", async () => {
      const answer = await client().fetch("/", { cookie: "session=eyJ1c2VybmFtZSI6ImFkYSJ9.aaaaaa.bbbb" });
      expect(answer.body).toBe("hello, stranger");
      expect(answer.cookies).toEqual([]);
    });

    it("answers an error, without a cookie, when the session cannot be saved", async () => {
      const answer = await client().fetch("/unserializable");
      expect(answer.status).toBe(500);
      expect(answer.body).not.toContain("success");
      expect(answer.cookies).toEqual([]);
    });

    it("reads without a secret key, and fails to write", async () => {
      const keyless = client(await serve({ secretKey: null }));
      const read = await keyless.fetch("/", { cookie: "session=anything" });
      expect(read.body).toBe("hello, stranger");
      expect(read.headers.get("Vary")).toBeNull();
      const write = await keyless.fetch("/login/ada");
      expect(write.status).toBe(500);
      expect(write.cookies).toEqual([]);
    });

    it("refuses unsafe requests of other origins with crossOriginProtection, before any handler runs (SEC-70)", async () => {
      let calls = 0;
      const counting: App = () => {
        session.calls = ++calls;
        return { body: "handled" };
      };
      const own = { trustedOrigins: ["https://app.example"] };
      const guarded = await serve({ secretKey, crossOriginProtection: own }, counting);
      const post = (sent: Record<string, string>, method = "POST") =>
        client(guarded).fetch("/", { method, sent });
      for (const sent of [
        { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" },
        { "Sec-Fetch-Site": "same-site" },
        { Origin: "https://evil.example" },
        { Origin: "null" },
      ]) {
        const answer = await post(sent);
        expect([sent, answer.status, answer.cookies]).toEqual([sent, 403, []]);
        expect(answer.body).not.toContain("handled");
      }
      expect(calls).toBe(0);
      for (const sent of [
        { "Sec-Fetch-Site": "same-origin", Origin: `http://127.0.0.1:${guarded}` },
        { Origin: `http://127.0.0.1:${guarded}` },
        { "Sec-Fetch-Site": "cross-site", Origin: "https://app.example" },
        {},
      ]) {
        const answer = await post(sent);
        expect([sent, answer.status, answer.body]).toEqual([sent, 200, "handled"]);
        expect(answer.cookies).toHaveLength(1);
      }
      expect((await post({ "Sec-Fetch-Site": "cross-site" }, "GET")).status).toBe(200);
      expect(calls).toBe(5);
      const open = await serve({ secretKey }, counting);
      expect((await client(open).fetch("/", { method: "POST", sent: { Origin: "null" } })).status).toBe(200);
    });

    it("tells two visitors on one keep-alive connection apart", async () => {
      const [ada, bob] = [client(port, onlyOne), client(port, onlyOne)];
      await ada.fetch("/login/ada");
      await bob.fetch("/login/bob");
      for (let round = 1; round <= 20; round++) {
        expect((await ada.fetch("/slow-echo")).body).toBe(`ada/ada/${round}`);
        expect((await bob.fetch("/slow-echo")).body).toBe(`bob/bob/${round}`);
      }
    });

    it(`never mixes ${PARALLEL} parallel requests of two visitors`, async () => {
      const [ada, bob] = [client(), client()];
      await ada.fetch("/login/ada");
      await bob.fetch("/login/bob");
      const [fromAda, fromBob] = [{ cookie: ada.cookie! }, { cookie: bob.cookie! }];
      const answers = await Promise.all(
        Array.from({ length: PARALLEL }, (_, at) =>
          client().fetch("/slow-echo", at % 2 === 0 ? fromAda : fromBob),
        ),
      );
      answers.forEach(({ body }, at) => expect(body).toBe(at % 2 === 0 ? "ada/ada/1" : "bob/bob/1"));
    });

    describe("with an interface that takes its time", () => {
      let isSaved = false;
      const slow: SessionInterface = {
        openSession: async () => (await turns(), createSession({ username: "slow" })),
        async saveSession(_session, _request, response) {
          isSaved = false;
          await turns();
          response.headers.append("Set-Cookie", "session=saved");
          isSaved = true;
        },
      };

      it.each(["/login/ada", "/redirect", "/stream", "/nowhere", "/throws"])(
        "sends no byte of %s before the save",
        async (path) => {
          const answer = await client(await serve({ sessionInterface: slow })).fetch(path);
          expect(isSaved).toBe(true);
          expect(answer.cookies).toEqual(["session=saved"]);
        },
      );

      it("opens before the handler runs", async () => {
        expect((await client(await serve({ sessionInterface: slow })).fetch("/")).body).toBe("hello, slow");
      });
    });

    describe("with an interface that fails", () => {
      const failure = () => Promise.reject(new Error("the store is down on purpose"));
      const empty = () => createSession();

      it.each<[string, SessionInterface]>([
        ["opening fails", { openSession: failure, saveSession: () => {} }],
        [
          "opening throws",
          {
            openSession: () => {
              throw new Error("on purpose");
            },
            saveSession: () => {},
          },
        ],
        ["saving fails", { openSession: empty, saveSession: failure }],
        [
          "saving throws",
          {
            openSession: empty,
            saveSession: () => {
              throw new Error("on purpose");
            },
          },
        ],
      ])("answers an error and no cookie when %s", async (_, sessionInterface) => {
        for (const path of ["/login/ada", "/redirect", "/stream"]) {
          const answer = await client(await serve({ sessionInterface })).fetch(path);
          expect(answer.status).toBe(500);
          expect(answer.cookies).toEqual([]);
          expect(answer.headers.get("Location")).toBeNull();
          expect(answer.body).not.toMatch(/success|one,|on purpose/);
        }
      });

      it("gives a null session where none can be had", async () => {
        const none = client(
          await serve({ sessionInterface: { openSession: () => null, saveSession: failure } }),
        );
        expect((await none.fetch("/")).body).toBe("hello, stranger");
        expect((await none.fetch("/login/ada")).status).toBe(500);
      });
    });
  });
}
