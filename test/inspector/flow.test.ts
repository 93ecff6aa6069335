import { describe, expect, it } from "vitest";
import { createSession, selectorOf, withoutSession, SessionManager } from "../../src/index.ts";
import { inspector } from "../../src/inspector.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { faultyStore } from "../../src/testing.ts";
import { watchedApp } from "./watching.ts";

describe("the inspector's requests, sessions in a cookie", () => {
  it("shows the steps of a request that writes", async () => {
    const { visitor, seen } = watchedApp({});
    await visitor().get("/set?username=ada");
    expect(await seen()).toMatch(
      /GET \/set empty → written 200 .*Cookie No session cookie\. openSession [\d.]+ ms Empty\. handler [\d.]+ ms added username saveSession [\d.]+ ms Modified: saved\. Set-Cookie \d+ of 4096 bytes HttpOnly; Path=\//,
    );
  });

  it("shows one that only reads, and one that does not even look", async () => {
    const { visitor, seen } = watchedApp({});
    const ada = visitor();
    await ada.get("/set?username=ada");
    await ada.get("/read");
    expect(await seen()).toMatch(
      /GET \/read accepted 200 .*\d+ of 4096 bytes openSession [\d.]+ ms Accepted , 1 key inside\. handler [\d.]+ ms read username saveSession [\d.]+ ms Not modified: no cookie is sent\. Set-Cookie Not sent/,
    );
    await ada.get("/other");
    expect(await seen()).toMatch(
      /GET \/other not accessed 200 .*The session was not accessed, so its cookie was not verified\./,
    );
  });

  it("shows a removal and a refresh", async () => {
    const { visitor, seen } = watchedApp({});
    const ada = visitor();
    await ada.get("/set?username=ada&_permanent=1");
    await ada.get("/read");
    expect(await seen()).toMatch(/GET \/read accepted → refreshed 200/);
    await ada.get("/logout");
    expect(await seen()).toMatch(
      /GET \/logout accepted → deleted 200 .*removed username .*Deletes the cookie\./,
    );
  });

  it("shows why a cookie was refused", async () => {
    const { app, seen } = watchedApp({});
    await app(
      new Request("http://app.example/read", { headers: { Cookie: "session=eyJhIjoxfQ.aaaaaa.forged" } }),
    );
    expect(await seen()).toMatch(
      /GET \/read refused 200 .*Refused: the signature does not match the data\. The session starts empty\. bad_signature/,
    );
  });

  it("shows the error page of a handler that failed, which has a session too", async () => {
    const { visitor, seen } = watchedApp({});
    await visitor().get("/fail");
    expect(await seen()).toMatch(/GET \/fail not accessed 500/);
  });

  it("never shows a value, a cookie or a query", async () => {
    const { visitor, viewer, cookieOf } = watchedApp({});
    const ada = visitor();
    await ada.get("/set?username=a-private-name");
    await ada.get("/read?token=a-private-token");
    const page = await (await viewer.get("/inspect")).text();
    const [payload, , signature] = (await cookieOf(ada)).slice("session=".length).split(".");
    for (const secret of ["a-private-name", "a-private-token", payload!, signature!])
      expect(page).not.toContain(secret);
    expect(page).toContain("username");
  });

  it("keeps parallel requests apart", async () => {
    const { visitor, app, seen } = watchedApp({}, { keep: 200 });
    const visitors = Array.from({ length: 40 }, visitor);
    await Promise.all(visitors.map((client, index) => client.get(`/set?key${index}=1`)));
    await Promise.all(
      visitors.map((client, index) =>
        index % 2 === 0
          ? client.get(`/read?${index}`)
          : app(new Request("http://app.example/read", { headers: { Cookie: "session=forged" } })),
      ),
    );
    const page = await seen();
    expect(page.match(/GET \/read accepted/g)).toHaveLength(20);
    expect(page.match(/GET \/read refused/g)).toHaveLength(20);
    for (let index = 0; index < 40; index++)
      expect(page.match(new RegExp(`added key${index} `, "g"))).toHaveLength(1);
    expect(page.match(/added /g)).toHaveLength(40);
  });

  it("keeps the last few, whatever names visitors make up", async () => {
    const { visitor, viewer } = watchedApp({}, { keep: 3 });
    for (let round = 0; round < 8; round++) await visitor().get(`/${round}${"x".repeat(3000)}`);
    const flood = Array.from({ length: 300 }, (_, index) => `key${index}${"y".repeat(200)}=1`).join("&");
    await visitor().get(`/set?${flood}`);
    const page = await (await viewer.get("/inspect")).text();
    expect(page.match(/class="request"/g)).toHaveLength(3);
    expect(page).not.toContain("x".repeat(200));
    expect(page.match(/added <code>/g)).toHaveLength(40);
  });

  it("leaves its own page out", async () => {
    const { viewer, seen } = watchedApp({});
    await viewer.get("/inspect");
    await viewer.get("/inspect");
    expect(await seen()).toMatch(/No requests yet/);
  });

  it("keeps what is synchronous synchronous", () => {
    const manager = new SessionManager({ secretKey: "for tests" });
    inspector(manager, { authorize: () => true });
    const context = manager.requestContext({ headers: new Headers() });
    expect(context.opening).toBeUndefined();
    context.session.username = "ada";
    const headers = new Headers();
    expect(context.save({ headers })).toBeUndefined();
    expect(headers.get("Set-Cookie")).toMatch(/^session=eyJ/);
  });

  it("traces a custom session interface, and omits requests without a session", async () => {
    let hasSession = true;
    const { visitor, seen } = watchedApp({
      sessionInterface: {
        openSession: () => (hasSession ? createSession({ username: "ada" }) : null),
        saveSession: (_session, _request, { headers }) => headers.append("Set-Cookie", "own=1; Path=/"),
      },
    });
    await visitor().get("/read");
    hasSession = false;
    await visitor().get("/other");
    const page = await seen();
    expect(page).toMatch(
      /a custom session interface .*GET \/read empty 200 .*read username .*13 of 4096 bytes Path=\//,
    );
    expect(page).not.toContain("/other");
  });

  it("watches through cookies of other libraries", async () => {
    const { cookieSession } = await import("../../src/accepts.ts");
    const { app, seen } = watchedApp({ accepts: [cookieSession({ cookieName: "old", signed: false })] });
    const old = Buffer.from('{"username":"ada"}').toString("base64");
    await app(new Request("http://app.example/read", { headers: { Cookie: `old=${old}` } }));
    expect(await seen()).toMatch(/migrated from cookie-session/);
  });
});

describe("the inspector's requests, sessions in a store", () => {
  it("shows selector, events and what was kept without a new cookie", async () => {
    const { visitor, viewer, seen, cookieOf } = watchedApp({ store: memoryStore() });
    const ada = visitor();
    await ada.get("/set?username=ada");
    const [selector, verifier] = (await cookieOf(ada)).slice("session=".length).split(".");
    expect(await seen()).toMatch(/→ written 200 .*added username .*created Set-Cookie/);
    await ada.get("/set?theme=dark");
    expect(await seen()).toMatch(
      new RegExp(
        `Accepted , 1 key inside\\. ${selector} handler .*added theme saveSession [\\d.]+ ms Modified: saved in the store before the response\\. Set-Cookie Not sent`,
      ),
    );
    await ada.get("/login");
    expect(await seen()).toMatch(/GET \/login accepted → written 200 .*rotated/);
    await ada.get("/logout");
    expect(await seen()).toMatch(/GET \/logout accepted → deleted 200 .*destroyed/);
    expect(await (await viewer.get("/inspect")).text()).not.toContain(verifier);
  });

  it("shows a change that was lost because the session had ended", async () => {
    const { manager, visitor, seen } = watchedApp({ store: memoryStore() });
    const ada = visitor();
    await ada.get("/own?owner=ada");
    await ada.sessionTransaction(async (session) => {
      session.late = 1;
      // As if another request did so.
      await withoutSession(() => manager.destroy(selectorOf(session)!));
    });
    expect(await seen()).toMatch(/request \/ accepted 200 .*lost: gone/);
  });

  it("shows failures of the store when opening and saving, and passes them on", async () => {
    const store = faultyStore(memoryStore());
    const { visitor, seen } = watchedApp({ store });
    const ada = visitor();
    await ada.get("/set?username=ada");
    store.fail("read");
    expect((await ada.get("/read")).status).toBe(503);
    store.recover();
    store.fail("replace");
    expect((await ada.get("/set?theme=dark")).status).toBe(503);
    const page = await seen();
    expect(page).toMatch(/GET \/read open failed failed .*openSession Failed: STORE handler Not called\./);
    expect(page).toMatch(
      /GET \/set save failed 200 .*saveSession [\d.]* ?(ms )?Failed: STORE The response is an error\./,
    );
  });
});
